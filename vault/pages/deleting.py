"""What goes with folders that are deleted, and the page that asks before."""

from collections.abc import Callable

from django.contrib.admin.models import DELETION
from django.db.models import ForeignObjectRel, Model, QuerySet
from django.http import HttpRequest, HttpResponse

from vault.errors import EditingError
from vault.models import Folder, Project, Secret
from vault.pages.access import done, page, place_of


def confirm_deletion(
    request: HttpRequest,
    row: Model,
    *,
    name: str,
    folders: QuerySet[Folder],
    delete: Callable[[], None],
    go_to: Model,
) -> HttpResponse:
    """Asks on GET, deletes on POST; a refusal is shown on the same page."""
    refusal = ""
    if request.method == "POST":
        pk = row.pk
        try:
            delete()
        except EditingError as error:
            refusal = error.message
        else:
            row.pk = pk
            return done(request, row, DELETION, f"Deleted {name}.", go_to=go_to)
    return page(
        request,
        "delete",
        title=f"Delete {name}?",
        refusal=refusal,
        contents=describe_contents(folders),
        readers=readers_of(folders),
        **place_of(row if isinstance(row, Folder) else go_to),
    )


def describe_contents(folders: QuerySet[Folder]) -> list[str]:
    """What would go, in counts."""
    secrets = Secret.objects.filter(folder__in=folders).count()
    return [_count(folders.count(), "folder"), _count(secrets, "secret") + " with all versions"]


def readers_of(folders: QuerySet[Folder]) -> list[Model]:
    """The rows of other applications that point to these folders: what reads them."""
    return _pointing_to(Folder, folders)


def users_of_projects(projects: list[Project]) -> list[Model]:
    """The rows of other applications that point to these projects, and keep them from being deleted."""
    return _pointing_to(Project, projects)


def _pointing_to(model: type[Model], rows: object) -> list[Model]:
    """Found by what Django knows of foreign keys, because the vault imports none of those who use it."""
    found: list[Model] = []
    for relation in model._meta.get_fields():
        if isinstance(relation, ForeignObjectRel) and relation.related_model._meta.app_label != "vault":
            found += relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": rows})
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
