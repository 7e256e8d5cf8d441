"""Finds what a request names, or says that there is none."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from django.db.models import QuerySet

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError
from sources.errors import SourceError
from sources.finding import find_place
from sources.protocol import Found
from vault.access import can_somewhere, visible
from vault.elsewhere import check_kept_here
from vault.models import Environment, Folder, Project
from vault.reading import find_folder
from vault.rules import clean_path


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def get_project(project_id: str) -> Project:
    known_id = as_uuid(project_id)
    project = Project.objects.filter(pk=known_id).first() if known_id else None
    if project is None:
        raise NotFoundError(f"There is no project with the ID {project_id[:64]}.")
    return project


def get_project_by_slug(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise NotFoundError(f"There is no project with the slug {slug[:64]}.")
    return project


def choose_project(project_id: str | None, slug: str | None) -> Project:
    """By id or by slug; one of them must be given."""
    if project_id:
        return get_project(project_id)
    if slug:
        return get_project_by_slug(slug)
    raise BadRequest("Name the project: projectId (or workspaceId), or its slug.")


def sees_by_place(caller: Caller) -> bool:
    """Whether a membership alone shows them folders."""
    return not caller.user.has_perm("vault.view_folder") and can_somewhere(caller.user, "vault.view_folder")


def folders_for(caller: Caller) -> QuerySet[Folder]:
    rows = Folder.objects.select_related("environment__project")
    return visible(caller.user, rows) if sees_by_place(caller) else rows


def folders_in(caller: Caller, find_project: Callable[[], Project], environment: str) -> QuerySet[Folder]:
    """Of an environment. For a member none, where anything of its place is missing."""
    if not sees_by_place(caller):
        return folders_for(caller).filter(environment=get_environment(find_project(), environment))
    with suppress(NotFoundError):
        here = folders_for(caller).filter(environment__project=find_project())
        return here.filter(environment__slug=environment.strip())
    return Folder.objects.none()


def get_folder(caller: Caller, find_project: Callable[[], Project], environment: str, path: str) -> Folder:
    """What the caller does not see is not there; the answer is the same whichever part of a place is missing."""
    if not sees_by_place(caller):
        return find_folder(find_project(), environment, path)
    folder = folders_in(caller, find_project, environment).filter(path=clean_path(path)).first()
    if folder is None:
        raise NotFoundError(f"There is no folder {path} in {environment[:64]}. Create it, or correct the path.")
    return folder


def get_environment(project: Project, slug: str) -> Environment:
    check_kept_here(project)
    environment = project.environments.filter(slug=slug).first()
    if environment is None:
        raise NotFoundError(f"The project {project.slug} has no environment {slug[:64]}.")
    return environment


def get_source(project: Project, environment: str, path: str) -> Found:
    """The place that a sync reads. One that is missing is a mistake in the request, not an unknown address.

    Asks the source, so it is never called inside a transaction.
    """
    try:
        return find_place(project, environment, path)
    except SourceError as error:
        raise BadRequest(error.message) from error
