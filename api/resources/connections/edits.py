"""Creates, changes and deletes connections. The service is asked who the credentials are before anything is saved."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotPermitted, Unprocessable
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.connections.schemas import Create, CredentialsIn, Update
from connections.errors import ConnectionFailed
from connections.models import Connection
from connections.repointing import why_it_stays
from connections.rotation.giving_up import why_it_is_kept
from connections.users import why_it_is_used
from connections.ways import WAY


def create_connection(caller: Caller, body: Create, *, app: str) -> Connection:
    connection = Connection(app=app, method=body.method, name=body.name, description=body.description or "")
    connection.base_url = connection.kind.usual_address()
    _check_name_is_free(connection)
    _take_credentials(connection, body.credentials)
    connection.full_clean(validate_unique=False)
    _validate(connection)
    with transaction.atomic():
        _check_name_is_free(connection)
        connection.save(force_insert=True)
        if body.key_expires_at is not None:
            connection.life.enter(body.key_expires_at)
        note_added(caller, connection)
    return connection


def update_connection(caller: Caller, connection: Connection, body: Update) -> Connection:
    given = body.model_fields_set
    old_place = connection.where
    if body.method not in (None, connection.method):
        raise Unprocessable.at(
            "method", message=f"The method of a connection stays {connection.method}. Create another connection."
        )
    if body.credentials is not None and (refusal := why_it_stays(connection, caller.may)):
        raise NotPermitted(refusal)
    if body.name is not None:
        connection.name = body.name
        _check_name_is_free(connection)
    if "description" in given:
        connection.description = body.description or ""
    if body.credentials is not None:
        _take_credentials(connection, body.credentials)
    connection.full_clean(validate_unique=False)
    if body.credentials is not None:
        _validate(connection)
    with transaction.atomic():
        _check_name_is_free(connection)
        connection.save()
        if "key_expires_at" in given:
            _enter_expiry(connection, body.key_expires_at)
        moved = f", the address from {old_place} to {connection.where}" if connection.where != old_place else ""
        note_changed(caller, connection, detail=f"Changed {', '.join(sorted(given)) or 'nothing'}{moved}")
    return connection


def delete_connection(caller: Caller, connection: Connection) -> None:
    with transaction.atomic():
        if problem := why_it_is_used(connection, caller.user) or why_it_is_kept(connection):
            raise BadRequest(problem)
        note_deleted(caller, connection)
        Connection.objects.filter(pk=connection.pk).delete()


def _take_credentials(connection: Connection, credentials: CredentialsIn) -> None:
    """They are sealed to the address and the way there, so these come first. A way that is not said stays."""
    try:
        if credentials.address:
            connection.base_url = connection.kind.hosts.clean(credentials.address)
        if not connection.base_url:
            raise ValidationError(f"Say the address of {connection.kind.label}: it has no usual one.")
        said = {entry.api_name for entry in WAY if entry.name in credentials.model_fields_set}
        kept = {
            each.api_name: connection.parameters[each.api_name]
            for each in WAY
            if each.api_name in connection.parameters
        }
        stays = {name: text for name, text in kept.items() if name not in said}
        connection.parameters = stays | connection.kind.clean_parameters(credentials.entered())
        connection.set_credentials(credentials.entered())
    except ValidationError as error:
        raise Unprocessable.at("credentials", message=error.messages[0]) from None


def _enter_expiry(connection: Connection, expires_at: datetime | None) -> None:
    if connection.life.is_told:
        who, what = connection.kind.label, connection.kind.secret_words
        raise Unprocessable.at("keyExpiresAt", message=f"{who} says itself when the {what} expires. Leave this out.")
    connection.life.enter(expires_at)


def _validate(connection: Connection) -> None:
    try:
        connection.describe_as(connection.identify())
    except ConnectionFailed as error:
        raise BadRequest(f"Failed to validate credentials: {error.message}") from error


def _check_name_is_free(connection: Connection) -> None:
    if Connection.objects.filter(name=connection.name).exclude(pk=connection.pk).exists():
        raise BadRequest(f"There is a connection named {connection.name} already. Choose another name.")
