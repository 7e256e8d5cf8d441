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
from syncs.access import place_at
from vault.access import Place, can, can_somewhere, can_within, place_of, visible
from vault.elsewhere import check_kept_here
from vault.models import ROOT, Environment, Folder, Project
from vault.reading import find_folder
from vault.rules import clean_path


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def choose_project(project_id: str | None, slug: str | None) -> Project:
    """By id or by slug, one of which must be given; whether anybody may see it is for those who look at a place."""
    if not project_id and not slug:
        raise BadRequest("Name the project: projectId (or workspaceId), or its slug.")
    named = {"pk": as_uuid(project_id)} if project_id else {"slug": slug}
    project = Project.objects.filter(**named).first()
    if project is None:
        raise NotFoundError(f"There is no project with the {_told(project_id, slug)}.")
    return project


def get_project(caller: Caller, project_id: str, *permissions: str) -> Project:
    """One that they see, or may do this in; and may do it in all of it."""
    project = get_project_of(caller, project_id, *permissions)
    caller.require_at(place_of(project), *permissions)
    return project


def get_project_of(caller: Caller, project_id: str, *permissions: str) -> Project:
    """One that they see, or may do this in a part of: which, is for those who look at the part."""
    return _known(caller, choose_project(project_id, None), _told(project_id), permissions)


def get_project_by_slug(caller: Caller, slug: str, *permissions: str) -> Project:
    project = _known(caller, choose_project(None, slug), _told(None, slug), permissions)
    caller.require_at(place_of(project), *permissions)
    return project


def _told(project_id: str | None, slug: str | None = None) -> str:
    return f"ID {project_id[:64]}" if project_id else f"slug {(slug or '')[:64]}"


def _known(caller: Caller, project: Project, told: str, permissions: tuple[str, ...]) -> Project:
    shows = ("vault.view_project", *permissions)
    if not any(can_within(caller.user, permission, place_of(project)) for permission in shows):
        raise NotFoundError(f"There is no project with the {told}.")
    return project


def sees_by_place(caller: Caller, permission: str = "vault.view_folder") -> bool:
    """Whether a membership alone shows them folders."""
    return not caller.user.has_perm(permission) and can_somewhere(caller.user, permission)


def folders_for(caller: Caller) -> QuerySet[Folder]:
    rows = Folder.objects.select_related("environment__project")
    return visible(caller.user, rows) if sees_by_place(caller) else rows


def folders_in(caller: Caller, find_project: Callable[[], Project], environment: str) -> QuerySet[Folder]:
    """Of an environment. For a member none, where anything of its place is missing."""
    if not sees_by_place(caller):
        return folders_for(caller).filter(environment=get_environment(caller, find_project(), environment))
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


def get_target(
    caller: Caller,
    find_project: Callable[[], Project],
    environment: str,
    path: str,
    *permissions: str,
    shown: str | None = None,
) -> Environment:
    """Where something comes, at a path where nothing need be yet: what is above it may be missing, or not be theirs to
    see. A refusal is about the folder that is `shown`; without one, about the path."""
    if not sees_by_place(caller):
        found = find_folder(find_project(), environment, ROOT).environment
        caller.require_at(Place(found.project_id, found.slug, clean_path(path)), *permissions)
        return found
    with suppress(NotFoundError):
        for row in visible(caller.user, Environment.objects.filter(project=find_project(), slug=environment)):
            place = Place(row.project_id, row.slug, clean_path(path))
            if all(can(caller.user, permission, place) for permission in permissions):
                caller.require_at(place, *permissions)
                return row
    folder = get_folder(caller, find_project, environment, path if shown is None else shown)
    caller.require_at(place_of(folder), *permissions)
    return folder.environment


def environments_for(caller: Caller) -> QuerySet[Environment]:
    rows = Environment.objects.select_related("project")
    return visible(caller.user, rows) if sees_by_place(caller, "vault.view_project") else rows


def get_environment(caller: Caller, project: Project, slug: str) -> Environment:
    check_kept_here(project)
    environment = environments_for(caller).filter(project=project, slug=slug).first()
    if environment is None:
        raise NotFoundError(f"The project {project.slug} has no environment {slug[:64]}.")
    return environment


def get_source(caller: Caller, project: Project, environment: str, path: str, *permissions: str) -> Found:
    """The place that a sync reads. One that is missing is a mistake in the request, not an unknown address; whoever may
    not do this there is not told.

    Asks the source, so it is never called inside a transaction.
    """
    caller.require_at(place_at(project, environment, path), *permissions)
    try:
        return find_place(project, environment, path)
    except SourceError as error:
        raise BadRequest(error.message) from error
