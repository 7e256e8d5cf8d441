"""Finds a place that somebody names, or says what there is instead."""

from datetime import timedelta

from sources.errors import PlaceMissing
from sources.protocol import ROOT, Found, Place, Source
from sources.registry import kind_of, open_source
from vault.models import Project

# A person waits this long for what a source says of one place.
PATIENCE = timedelta(seconds=8)


def find_place(project: Project, environment_slug: str, path: str, *, patience: timedelta | None = PATIENCE) -> Found:
    """Raises SourceError; PlaceMissing names what is not there. Asks elsewhere, so never inside a transaction."""
    kind = kind_of(project)
    if kind.find is not None:
        return kind.find(project, environment_slug, path)
    with open_source(project, patience=patience) as source:
        return find_in(source, environment_slug, path, project_slug=project.slug)


def find_in(source: Source, environment_slug: str, path: str, *, project_slug: str) -> Found:
    environment_slug, path = environment_slug.strip(), clean_path(path)
    environments = source.list_environments()
    environment = next((entry for entry in environments if entry.slug == environment_slug), None)
    if environment is None:
        there = ", ".join(entry.slug for entry in environments) or "none yet"
        raise PlaceMissing(f"The project {project_slug} has no environment “{environment_slug}”. It has: {there}.")
    folder = next((entry for entry in source.list_folders(environment_slug) if entry.path == path), None)
    if folder is None:
        raise PlaceMissing(
            f"There is no folder {path} in {project_slug}, {environment_slug}. Create it there, or correct the path."
        )
    return Found(Place(environment_slug, path, folder.id), environment)


def clean_path(path: str) -> str:
    """ "/" or "/a/b": a slash too many does no harm."""
    return ROOT + "/".join(name for name in path.strip().split("/") if name)
