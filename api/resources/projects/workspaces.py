"""`/api/v1/workspace` and `/api/v2/workspace`: projects as Infisical's older clients call them."""

from uuid import UUID

from django.http import HttpRequest

from api.auth.callers import Bearer, caller_of
from api.http.errors import NotFoundError
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.base import with_errors
from api.resources.lookups import as_uuid, environments_for, get_project, get_project_by_slug
from api.resources.projects.router import (
    CHANGE,
    DELETE,
    VIEW,
    add_environment_routes,
    change,
    create,
    delete,
    projects_for,
    told,
)
from api.resources.projects.schemas import (
    AuditLogRetention,
    CreateProject,
    EditedWorkspace,
    EnvironmentOut,
    ManyWorkspaces,
    OneEnvironment,
    OneProject,
    OneWorkspace,
    ProjectOut,
    UpdateProject,
)

v1 = resource("Projects, older routes")
v2 = resource("Projects, older routes")

KEPT_BY_SETTING = (
    "Nothing was changed: how long the audit log is kept is a setting of the whole installation, not of a project."
)


@v1.get("", auth=VIEW, response=with_errors(ManyWorkspaces))
def list_workspaces(request: HttpRequest) -> ManyWorkspaces:
    """The projects that you see, with their environments."""
    return ManyWorkspaces(workspaces=projects_for(caller_of(request)))


@v1.get("/environments/{uuid:environment_id}", auth=VIEW, response=with_errors(OneEnvironment))
def get_any_environment(request: HttpRequest, environment_id: UUID) -> OneEnvironment:
    """An environment by its ID, of whatever project."""
    environment = environments_for(caller_of(request)).filter(pk=environment_id).first()
    if environment is None:
        raise NotFoundError(f"There is no environment with the ID {environment_id}.")
    return OneEnvironment(environment=EnvironmentOut.of(environment))


@v1.get("/{project_id}", auth=VIEW, response=with_errors(OneWorkspace))
def get_workspace(request: HttpRequest, project_id: str) -> OneWorkspace:
    """A project by its ID."""
    caller = caller_of(request)
    return OneWorkspace(workspace=told(caller, get_project(caller, project_id)))


@v1.patch("/{project_id}", auth=CHANGE, response=with_errors(EditedWorkspace))
def update_workspace(request: HttpRequest, project_id: str, body: UpdateProject) -> EditedWorkspace:
    """Changes what is sent."""
    caller = caller_of(request)
    changed = change(caller, get_project(caller, project_id, "vault.change_project"), body)
    return EditedWorkspace(message="Successfully updated workspace", workspace=changed)


@v1.delete("/{project_id}", auth=DELETE, response=with_errors(OneWorkspace))
def delete_workspace(request: HttpRequest, project_id: str) -> OneWorkspace:
    """Deletes a project that no sync belongs to, with all its secrets."""
    caller = caller_of(request)
    return OneWorkspace(workspace=delete(caller, get_project(caller, project_id, "vault.delete_project")))


@v1.put("/{slug}/audit-logs-retention", auth=CHANGE, response=with_errors(EditedWorkspace))
def set_audit_log_retention(request: HttpRequest, slug: str, body: AuditLogRetention) -> EditedWorkspace:
    """Changes nothing, and says so: a setting of the installation tells how long the audit log is kept."""
    caller, find = caller_of(request), get_project if as_uuid(slug) else get_project_by_slug
    project = find(caller, slug, "vault.change_project")
    return EditedWorkspace(message=KEPT_BY_SETTING, workspace=told(caller, project))


add_environment_routes(v1)


@v2.post("", auth=Bearer("vault.add_project"), response=with_errors(OneProject, 409))
@idempotent
def create_workspace(request: HttpRequest, body: CreateProject) -> OneProject:
    """Creates a project, with Development, Staging and Production unless told otherwise."""
    return OneProject(project=create(caller_of(request), body))


@v2.get("/{slug}", auth=VIEW, response=with_errors(ProjectOut))
def get_workspace_with_slug(request: HttpRequest, slug: str) -> ProjectOut:
    """A project by its slug."""
    caller = caller_of(request)
    return told(caller, get_project_by_slug(caller, slug))


@v2.patch("/{slug}", auth=CHANGE, response=with_errors(ProjectOut))
def update_workspace_with_slug(request: HttpRequest, slug: str, body: UpdateProject) -> ProjectOut:
    """Changes what is sent."""
    caller = caller_of(request)
    return change(caller, get_project_by_slug(caller, slug, "vault.change_project"), body)


@v2.delete("/{slug}", auth=DELETE, response=with_errors(ProjectOut))
def delete_workspace_with_slug(request: HttpRequest, slug: str) -> ProjectOut:
    """Deletes a project that no sync belongs to, with all its secrets."""
    caller = caller_of(request)
    return delete(caller, get_project_by_slug(caller, slug, "vault.delete_project"))
