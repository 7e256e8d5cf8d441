"""`/api/v1/projects`: projects and their environments."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Router

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import with_errors
from api.resources.lookups import (
    environments_for,
    get_environment,
    get_project,
    get_project_by_slug,
    get_project_of,
)
from api.resources.projects.linking import ask_for_environments, find_environment, link
from api.resources.projects.schemas import (
    CreateEnvironment,
    CreateProject,
    EditedEnvironment,
    EnvironmentBySlug,
    EnvironmentOut,
    ManyEnvironments,
    ManyProjects,
    OneEnvironment,
    OneProject,
    ProjectOut,
    UpdateEnvironment,
    UpdateProject,
)
from api.resources.projects.seen import Seen
from sources.linking import set_poll_seconds
from syncs.models import DevinSync
from vault import editing
from vault.access import place_of, visible
from vault.editing.projects import DEFAULT_ENVIRONMENTS
from vault.editing.telling import enumerate_some
from vault.elsewhere import check_kept_here
from vault.models import Environment, Project

router = resource("Projects")

VIEW = Bearer("vault.view_project", by_place=True)
CHANGE = Bearer("vault.change_project", by_place=True)
# No role of a member has it.
DELETE = Bearer("vault.delete_project")


def projects_for(caller: Caller) -> list[ProjectOut]:
    seen = Seen(caller)
    return [ProjectOut.of(project, seen) for project in seen.projects()]


def create(caller: Caller, body: CreateProject) -> ProjectOut:
    if body.source_connection_id is not None:
        return told(caller, link(caller, body.source_connection_id, body))
    with transaction.atomic():
        project = editing.create_project(
            name=body.project_name,
            slug=body.slug or "",
            description=body.project_description or "",
            environments=DEFAULT_ENVIRONMENTS if body.should_create_default_envs else (),
            by=actor_of(caller),
        )
        note_added(caller, project)
    return told(caller, project)


def told(caller: Caller, project: Project) -> ProjectOut:
    return ProjectOut.of(project, Seen(caller))


def get_own_environment(caller: Caller, project_id: str, environment_id: UUID, permission: str) -> Environment:
    project = get_project_of(caller, project_id, permission)
    check_kept_here(project)
    environment = environments_for(caller).filter(project=project, pk=environment_id).first()
    if environment is None:
        raise NotFoundError(f"The project {project.slug} has no environment with the ID {environment_id}.")
    caller.require_at(place_of(environment), permission)
    return environment


def edited(environment: Environment, message: str) -> EditedEnvironment:
    return EditedEnvironment(
        message=message, workspace=environment.project_id, environment=EnvironmentOut.of(environment)
    )


@router.get("", auth=VIEW, response=with_errors(ManyProjects))
def list_projects(request: HttpRequest) -> ManyProjects:
    """The projects that you see, with their environments."""
    return ManyProjects(projects=projects_for(caller_of(request)))


@router.post("", auth=Bearer("vault.add_project"), response=with_errors(OneProject, 409))
@idempotent
def create_project(request: HttpRequest, body: CreateProject) -> OneProject:
    """Creates a project, with Development, Staging and Production unless told otherwise."""
    return OneProject(project=create(caller_of(request), body))


@router.get("/slug/{slug}", auth=VIEW, response=with_errors(OneProject))
def get_project_with_slug(request: HttpRequest, slug: str) -> OneProject:
    """A project by its slug."""
    caller = caller_of(request)
    return OneProject(project=told(caller, get_project_by_slug(caller, slug)))


@router.get("/{project_id}", auth=VIEW, response=with_errors(OneProject))
def get_project_with_id(request: HttpRequest, project_id: str) -> OneProject:
    """A project by its ID."""
    caller = caller_of(request)
    return OneProject(project=told(caller, get_project(caller, project_id)))


@router.patch("/{project_id}", auth=CHANGE, response=with_errors(OneProject))
def update_project(request: HttpRequest, project_id: str, body: UpdateProject) -> OneProject:
    """Changes what is sent."""
    caller = caller_of(request)
    return OneProject(project=change(caller, get_project(caller, project_id, "vault.change_project"), body))


@router.delete("/{project_id}", auth=DELETE, response=with_errors(OneProject))
def delete_project(request: HttpRequest, project_id: str) -> OneProject:
    """Deletes a project that no sync belongs to, with all its secrets."""
    caller = caller_of(request)
    return OneProject(project=delete(caller, get_project(caller, project_id, "vault.delete_project")))


def change(caller: Caller, project: Project, body: UpdateProject) -> ProjectOut:
    with transaction.atomic():
        editing.update_project(
            project, name=body.name, slug=body.slug, description=body.description, by=actor_of(caller)
        )
        if body.source_poll_seconds is not None:
            set_poll_seconds(project, body.source_poll_seconds)
        note_changed(caller, project)
    return told(caller, project)


def delete(caller: Caller, project: Project) -> ProjectOut:
    answer = told(caller, project)
    syncs = DevinSync.objects.filter(project=project)
    if count := syncs.count():
        names = sorted(visible(caller.user, syncs).values_list("name", flat=True))
        which = enumerate_some(names, count - len(names), "sync")
        raise BadRequest(f"These belong to {project.slug}: {which}. Delete them first.")
    with transaction.atomic():
        note_deleted(caller, project)
        editing.delete_project(project, by=actor_of(caller))
    return answer


def list_environments(request: HttpRequest, project_id: str) -> ManyEnvironments:
    """The environments of a project, in order."""
    caller = caller_of(request)
    project, seen = get_project(caller, project_id, "vault.view_project"), Seen(caller)
    if not project.is_kept_here:
        return ManyEnvironments(environments=ask_for_environments(project, seen))
    rows = seen.environments(project, project.environments.all())
    return ManyEnvironments(environments=[EnvironmentOut.of(environment) for environment in rows])


@router.get("/{project_id}/environments/slug/{slug}", auth=VIEW, response=with_errors(EnvironmentBySlug))
def get_environment_with_slug(request: HttpRequest, project_id: str, slug: str) -> EnvironmentBySlug:
    """An environment by its slug."""
    caller = caller_of(request)
    project = get_project(caller, project_id, "vault.view_project")
    if project.is_kept_here:
        found = EnvironmentOut.of(get_environment(caller, project, slug))
    else:
        found = find_environment(project, slug, Seen(caller))
    return EnvironmentBySlug(**dict(found), environment=found)


def get_environment_with_id(request: HttpRequest, project_id: str, environment_id: UUID) -> OneEnvironment:
    """An environment by its ID."""
    found = get_own_environment(caller_of(request), project_id, environment_id, "vault.view_project")
    return OneEnvironment(environment=EnvironmentOut.of(found))


@idempotent
def add_environment(request: HttpRequest, project_id: str, body: CreateEnvironment) -> EditedEnvironment:
    """Adds an environment to a project."""
    caller = caller_of(request)
    project = get_project(caller, project_id, "vault.add_environment")
    with transaction.atomic():
        environment = editing.create_environment(
            project, name=body.name, slug=body.slug, position=body.position, by=actor_of(caller)
        )
        note_added(caller, environment)
    return edited(environment, "Successfully created new environment")


def change_environment(
    request: HttpRequest, project_id: str, environment_id: UUID, body: UpdateEnvironment
) -> EditedEnvironment:
    """Changes what is sent. References by an old slug are cut; another slug takes the right in the whole project."""
    caller = caller_of(request)
    environment = get_own_environment(caller, project_id, environment_id, "vault.change_environment")
    with transaction.atomic():
        editing.update_environment(
            environment, name=body.name, slug=body.slug, position=body.position, by=actor_of(caller)
        )
        note_changed(caller, environment)
    return edited(environment, "Successfully updated environment")


def remove_environment(request: HttpRequest, project_id: str, environment_id: UUID) -> EditedEnvironment:
    """Deletes an environment with all its folders and secrets."""
    caller = caller_of(request)
    environment = get_own_environment(caller, project_id, environment_id, "vault.delete_environment")
    answer = edited(environment, "Successfully deleted environment")
    with transaction.atomic():
        note_deleted(caller, environment)
        editing.delete_environment(environment, by=actor_of(caller))
    return answer


ENVIRONMENT_ROUTES: tuple[tuple[str, str, str, Any, Any], ...] = (
    # method, path, permission, view, answer; the older routes have them too
    ("GET", "/{project_id}/environments", "view_project", list_environments, ManyEnvironments),
    ("GET", "/{project_id}/environments/{environment_id}", "view_project", get_environment_with_id, OneEnvironment),
    ("POST", "/{project_id}/environments", "add_environment", add_environment, EditedEnvironment),
    (
        "PATCH",
        "/{project_id}/environments/{environment_id}",
        "change_environment",
        change_environment,
        EditedEnvironment,
    ),
    (
        "DELETE",
        "/{project_id}/environments/{environment_id}",
        "delete_environment",
        remove_environment,
        EditedEnvironment,
    ),
)


def add_environment_routes(router: Router) -> None:
    for method, path, permission, view, answer in ENVIRONMENT_ROUTES:
        answering = view if method == "GET" else foreseeable(view)
        bearer = Bearer(f"vault.{permission}", by_place=True)
        router.api_operation([method], path, auth=bearer, response=with_errors(answer))(answering)


add_environment_routes(router)
