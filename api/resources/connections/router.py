"""`/api/v1/app-connections`: connections of every app, and those to Devin; the other apps have modules beside."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import NotFoundError
from api.http.idempotency import idempotent
from api.http.queries import ListLimit, Offset, page_of
from api.resources import resource
from api.resources.audit import note_changed
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
    ShareConnection,
    UpdateConnection,
    Usage,
    UsingProject,
    UsingSync,
)
from api.resources.reach import connection_for, connections_for, project_for
from connections.models import Connection
from connections.reach import USE, VIEW
from connections.registry import KINDS
from sources.sharing import share, shared_ids
from vault.access import visible
from vault.models import Project

router = resource("App connections")
DEVIN = Connection.App.DEVIN.value

AnyProject = Annotated[
    str | None,
    Query(None, alias="projectId", max_length=64, description="Accepted: connections belong to all projects."),
]


def one(caller: Caller, connection: Connection) -> OneConnection:
    return OneConnection(app_connection=shown_to(caller, [connection])[0])


def many(caller: Caller, **which: str) -> ManyConnections:
    return ManyConnections(app_connections=shown_to(caller, list(connections_for(caller, **which))))


def shown_to(caller: Caller, connections: Sequence[Connection]) -> list[ConnectionOut]:
    """Whoever sees one by what it is shared with sees no more of it than what is needed to use it."""
    sees_all = caller.user.has_perm(VIEW)
    shared = shared_ids(caller.user, connections)
    return [ConnectionOut.of(each, shared[each.pk], is_whole=sees_all) for each in connections]


def available(caller: Caller, app: str) -> ManyAvailable:
    rows = connections_for(caller, USE, app=app)
    return ManyAvailable(app_connections=[AvailableConnection.of(connection) for connection in rows])


def by_name(caller: Caller, name: str, app: str) -> OneConnection:
    connection = connections_for(caller, app=app, name=name).first()
    if connection is None:
        raise NotFoundError(f"There is no connection named {name[:64]}.")
    return one(caller, connection)


def delete(caller: Caller, connection: Connection) -> OneConnection:
    answer = one(caller, connection)
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


@router.get("", auth=Bearer("connections.view_connection", by_place=True), response=with_errors(ManyConnections))
def list_connections(request: HttpRequest, project_id: AnyProject) -> ManyConnections:
    """The connections of every app that the caller sees, without their credentials."""
    return many(caller_of(request))


@router.get("/devin", auth=Bearer("connections.view_connection", by_place=True), response=with_errors(ManyConnections))
def list_devin_connections(request: HttpRequest, project_id: AnyProject) -> ManyConnections:
    """All connections to Devin, without their keys."""
    return many(caller_of(request), app=DEVIN)


@router.get(
    "/devin/available", auth=Bearer("connections.use_connection", by_place=True), response=with_errors(ManyAvailable)
)
def list_available_connections(request: HttpRequest, project_id: AnyProject) -> ManyAvailable:
    """The connections that the caller may use in a sync."""
    return available(caller_of(request), DEVIN)


@router.post("/devin", auth=Bearer("connections.add_connection"), response=with_errors(OneConnection, 409))
@idempotent
def create_devin_connection(request: HttpRequest, body: CreateConnection) -> OneConnection:
    """Creates a connection, once Devin has accepted its key."""
    caller = caller_of(request)
    return one(caller, create_connection(caller, body, app=DEVIN))


@router.get(
    "/devin/connection-name/{connection_name}",
    auth=Bearer("connections.view_connection", by_place=True),
    response=with_errors(OneConnection),
)
def get_devin_connection_by_name(request: HttpRequest, connection_name: str, project_id: AnyProject) -> OneConnection:
    """A connection by its name."""
    return by_name(caller_of(request), connection_name, DEVIN)


@router.get(
    "/devin/{connection_id}",
    auth=Bearer("connections.view_connection", by_place=True),
    response=with_errors(OneConnection),
)
def get_devin_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """A connection by its ID."""
    caller = caller_of(request)
    return one(caller, connection_for(caller, connection_id))


@router.get(
    "/devin/{connection_id}/usage",
    auth=Bearer("connections.view_connection", "syncs.view_devinsync", by_place=True),
    response=with_errors(Usage),
)
def get_connection_usage(
    request: HttpRequest, connection_id: UUID, limit: ListLimit = None, offset: Offset = 0
) -> Usage:
    """The syncs that the caller sees and that use a connection, by project: by name, all or a page of so many."""
    projects: dict[Project, list[UsingSync]] = {}
    of_project = ("project__name", "project__slug")
    caller = caller_of(request)
    syncs = visible(caller.user, connection_for(caller, connection_id).syncs.all())
    syncs = syncs.select_related("project").only("name", "project_id", "connection_id", *of_project)
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
    caller = caller_of(request)
    return one(caller, update_connection(caller, connection_for(caller, connection_id), body))


@router.delete(
    "/devin/{connection_id}", auth=Bearer("connections.delete_connection"), response=with_errors(OneConnection)
)
def delete_devin_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """Deletes a connection that no sync uses."""
    return delete(caller_of(request), connection_for(caller_of(request), connection_id))


@router.put(
    "/{uuid:connection_id}/projects", auth=Bearer("connections.change_connection"), response=with_errors(OneConnection)
)
def share_connection(request: HttpRequest, connection_id: UUID, body: ShareConnection) -> OneConnection:
    """Shares a connection of any app with these projects and no others: their members see it, and those of them who
    may use connections choose it for syncs there. With none, it is for those whose rights hold everywhere."""
    caller = caller_of(request)
    connection = connections_for(caller, pk=connection_id).first()
    if connection is None:
        raise NotFoundError(f"There is no connection with the ID {connection_id}.")
    with transaction.atomic():
        if changed := share(connection, [project_for(caller, str(each)) for each in body.project_ids]):
            note_changed(caller, connection, detail=str(changed))
    return one(caller, connection)
