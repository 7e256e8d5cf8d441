"""How people call a project by where it is kept."""

from django.urls import reverse
from django.utils.http import urlencode

from sources.models import LinkedProject
from sources.protocol import Place
from sources.registry import UnknownKind, kind_of
from vault.models import Project

# What to join where many projects are named.
JOINED = ("link__connection",)


# To whom it is not told why a source does not answer, which names its connection and what is behind it.
UNTOLD = "Ask whoever looks after the connection of this project."


def where_kept(project: Project) -> str:
    """“Infisical: acme”, for the connection acme; “” for a project of the vault."""
    if project.is_kept_here:
        return ""
    try:
        kind = kind_of(project)
    except UnknownKind:
        return project.source
    link = link_of(project)
    return f"{kind.label}: {link.connection}" if link is not None else kind.label


def name_with_source(project: Project) -> str:
    """“Checkout (Infisical: acme)”"""
    where = where_kept(project)
    return f"{project.name} ({where})" if where else project.name


def page_of(project: Project, place: Place | None = None) -> str:
    """The page of a project that is kept elsewhere, or of a place in it."""
    url = reverse("admin:sources_project", args=[project.pk])
    return f"{url}?{urlencode({'environment': place.environment_slug, 'path': place.path})}" if place else url


def link_of(project: Project) -> LinkedProject | None:
    return getattr(project, "link", None)
