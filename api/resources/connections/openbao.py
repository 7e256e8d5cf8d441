"""`/api/v1/app-connections/hashicorp-vault`: connections to Vault and OpenBao, in the way of those to Devin."""

from uuid import UUID

from django.http import HttpRequest

from api.auth.callers import Bearer, caller_of
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.base import with_errors
from api.resources.connections.edits import create_connection, update_connection
from api.resources.connections.router import AnyProject, available, by_name, delete, many, one
from api.resources.connections.schemas import (
    CreateVaultConnection,
    ManyAvailable,
    ManyConnections,
    OneConnection,
    UpdateVaultConnection,
)
from api.resources.reach import connection_for
from connections.openbao.app import OpenBao

router = resource("App connections")
APP = OpenBao.name


@router.get("", auth=Bearer("connections.view_connection", by_place=True), response=with_errors(ManyConnections))
def list_vault_connections(request: HttpRequest, project_id: AnyProject) -> ManyConnections:
    """All connections to Vault and OpenBao, without their credentials."""
    return many(caller_of(request), app=APP)


@router.get("/available", auth=Bearer("connections.use_connection", by_place=True), response=with_errors(ManyAvailable))
def list_available_vault_connections(request: HttpRequest, project_id: AnyProject) -> ManyAvailable:
    """The connections to Vault and OpenBao that the caller may use."""
    return available(caller_of(request), APP)


@router.post("", auth=Bearer("connections.add_connection"), response=with_errors(OneConnection, 409))
@idempotent
def create_vault_connection(request: HttpRequest, body: CreateVaultConnection) -> OneConnection:
    """Creates a connection, once the server has accepted its credentials."""
    caller = caller_of(request)
    return one(caller, create_connection(caller, body, app=APP))


@router.get(
    "/connection-name/{connection_name}",
    auth=Bearer("connections.view_connection", by_place=True),
    response=with_errors(OneConnection),
)
def get_vault_connection_by_name(request: HttpRequest, connection_name: str, project_id: AnyProject) -> OneConnection:
    """A connection by its name."""
    return by_name(caller_of(request), connection_name, APP)


@router.get(
    "/{connection_id}", auth=Bearer("connections.view_connection", by_place=True), response=with_errors(OneConnection)
)
def get_vault_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """A connection by its ID."""
    caller = caller_of(request)
    return one(caller, connection_for(caller, connection_id, app=APP))


@router.patch(
    "/{connection_id}", auth=Bearer("connections.change_connection"), response=with_errors(OneConnection, 409)
)
def update_vault_connection(request: HttpRequest, connection_id: UUID, body: UpdateVaultConnection) -> OneConnection:
    """Changes what is sent. A new address needs the credentials again; the server is asked first."""
    caller = caller_of(request)
    return one(caller, update_connection(caller, connection_for(caller, connection_id, app=APP), body))


@router.delete("/{connection_id}", auth=Bearer("connections.delete_connection"), response=with_errors(OneConnection))
def delete_vault_connection(request: HttpRequest, connection_id: UUID) -> OneConnection:
    """Deletes a connection that nothing uses."""
    return delete(caller_of(request), connection_for(caller_of(request), connection_id, app=APP))
