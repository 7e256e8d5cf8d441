"""`/api/v1/app-connections`: connections of every app, and those to Devin; the other apps have modules beside."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import NotFoundError
from api.http.idempotency import idempotent
from api.http.queries import ListLimit, Offset, page_of
from api.resources import resource
from api.resources.base import with_errors
from api.resources.connections.edits import create_connection, delete_connection, update_connection
from api.resources.connections.schemas import (
    AvailableConnection,
    ConnectionOption,
    ConnectionOut,
    CreateConnection,
    ManyAvailable,
    ManyConnectionOptions,
    ManyConnections,
    OneConnection,
    UpdateConnection,
    Usage,
    UsingProject,
    UsingSync,
)
from api.resources.lookups import get_connection
from connections.models import Connection
from connections.registry import KINDS
from vault.models import Project

router = resource("App connections")
DEVIN = Connection.App.DEVIN.value

AnyProject = Annotated[
    str | None,
    Query(None, alias="projectId", max_length=64, description="Accepted: connections belong to all projects."),
]


def one(connection: Connection) -> OneConnection:
    return OneConnection(app_connection=ConnectionOut.of(connection))


def many(**which: str) -> ManyConnections:
    rows = Connection.objects.filter(**which)
    return ManyConnections(app_connections=[ConnectionOut.of(connection) for connection in rows])


def available(app: str) -> ManyAvailable:
    rows = Connection.objects.filter(app=app)
    return ManyAvailable(app_connections=[AvailableConnection.of(connection) for connection in rows])


def by_name(name: str, app: str) -> OneConnection:
    connection = Connection.objects.filter(app=app, name=name).first()
    if connection is None:
        raise NotFoundError(f"There is no connection named {name[:64]}.")
    return one(connection)


def delete(caller: Caller, connection: Connection) -> OneConnection:
    answer = one(connection)
    delete_connection(caller, connection)
    return answer


@router.get("/options", auth=Bearer(), response=with_errors(ManyConnectionOptions))
def list_connection_options(request: HttpRequest) -> ManyConnectionOptions:
    """The services that a connection can be to."""
    options = [
        ConnectionOption(name=kind.label, app=kind.name, methods=[method.name for method in kind.methods])
        for kind in KINDS
    ]
    return ManyConnectionOptions(app_connection_options=options)


@router.get("", auth=Bearer("connections.view_connection"), response=with_errors(ManyConnections))
def list_connections(request: HttpRequest, project_id: AnyProject) -> ManyConnections:
    """All connections of every app, without their credentials."""
    return many()


@router.get("/devin", auth=Bearer("connections.view_connection"), response=with_errors(ManyConnections))
def list_devin_connections(request: HttpRequest, project_id: AnyProject) -> ManyConnections:
    """All connections to Devin, without their keys."""
    return many(app=DEVIN)


@router.get("/devin/available", auth=Bearer("connections.use_connection"), response=with_errors(ManyAvailable))
def list_available_connections(request: HttpRequest, project_id: AnyProject) -> ManyAvailable:
    """The connections that the caller may use in a sync."""
    return available(DEVIN)


@router.post("/devin", auth=Bearer("connections.add_connection"), response=with_errors(OneConnection, 409))
@idempotent
def create_devin_connection(request: HttpRequest, body: CreateConnection) -> OneConnection:
    """Creates a connection, once Devin has accepted its key."""
    return one(create_connection(caller_of(request), body, app=DEVIN))


@router.get(
    "/devin/connection-name/{connection_name}",
    auth=Bearer("connections.view_connection"),
    response=with_errors(OneConnection),
)
def get_devin_connection_by_name(request: HttpRequest, connection_name: str, project_id: AnyProject) -> OneConnection:
    """A connection by its name."""
    return by_name(connection_name, DEVIN)


@router.get("/devin/{connection_id}", auth=Bearer("connections.view_connection"), response=with_errors(OneConnection))
def get_devin_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """A connection by its ID."""
    return one(get_connection(connection_id))


@router.get(
    "/devin/{connection_id}/usage",
    auth=Bearer("connections.view_connection", "syncs.view_devinsync"),
    response=with_errors(Usage),
)
def get_connection_usage(
    request: HttpRequest, connection_id: UUID, limit: ListLimit = None, offset: Offset = 0
) -> Usage:
    """The syncs that use a connection, by project: all of them by name, or a page of so many syncs."""
    projects: dict[Project, list[UsingSync]] = {}
    of_project = ("project__name", "project__slug")
    syncs = get_connection(connection_id).syncs.select_related("project").only("name", "project_id", *of_project)
    for sync in page_of(syncs.order_by("name", "pk"), limit, offset):
        projects.setdefault(sync.project, []).append(UsingSync(id=sync.id, name=sync.name))
    return Usage(
        projects=[
            UsingProject(id=project.id, name=project.name, slug=project.slug, secret_syncs=syncs)
            for project, syncs in projects.items()
        ]
    )


@router.patch(
    "/devin/{connection_id}", auth=Bearer("connections.change_connection"), response=with_errors(OneConnection, 409)
)
def update_devin_connection(request: HttpRequest, connection_id: UUID, body: UpdateConnection) -> OneConnection:
    """Changes what is sent. A new address needs the key again; both are checked with Devin first."""
    return one(update_connection(caller_of(request), get_connection(connection_id), body))


@router.delete(
    "/devin/{connection_id}", auth=Bearer("connections.delete_connection"), response=with_errors(OneConnection)
)
def delete_devin_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """Deletes a connection that no sync uses."""
    return delete(caller_of(request), get_connection(connection_id))
