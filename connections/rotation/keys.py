"""Clients that carry one of a rotation's two keys, which of them the connection uses, and which in Devin are ours."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from enum import Enum

from common import clock
from connections.devin.app import open_client
from connections.devin.client import DevinClient
from connections.devin.service_users import ApiKey
from connections.models import Connection
from connections.rotation.claiming import Claim
from connections.rotation.models import KeyRotation
from encryption import DecryptionError

# All requests of one client together; a claim outlasts it.
PATIENCE = timedelta(seconds=20)


class Used(Enum):
    OLD = "old"
    NEW = "new"
    # Somebody has given the connection another key, or another address.
    OTHER = "other"


def client_with(claim: Claim, key: str) -> DevinClient:
    """For the address that the keys are for, to be closed by the caller. Each of its writes renews the claim."""
    return open_client(claim.rotation.connection, fence=claim.renew, patience=PATIENCE, api_key=key)


def key_in_use(rotation: KeyRotation, connection: Connection | None = None) -> Used:
    """Which the connection uses, as it is held or as it is given. Raises DecryptionError."""
    connection = rotation.connection if connection is None else connection
    if connection.where != rotation.where:
        return Used.OTHER
    if rotation.sealed_new_key and connection.has_api_key(rotation.new_key()):
        return Used.NEW
    return Used.OLD if connection.has_api_key(rotation.old_key()) else Used.OTHER


def others_with(key: str, *, than: Connection) -> list[str]:
    """The names of other connections that use the same key."""
    found = []
    for connection in Connection.objects.filter(app=Connection.App.DEVIN).exclude(pk=than.pk):
        with suppress(DecryptionError):
            if connection.has_api_key(key):
                found.append(connection.name)
    return found


def left_over(rotation: KeyRotation, keys: Iterable[ApiKey]) -> list[ApiKey]:
    """Those of the service user's live keys that a rotation of this connection has asked for and nobody can use: their
    token was told to a process that did not live to keep it, or they did not do."""
    rotations = list(KeyRotation.objects.filter(connection_id=rotation.connection_id))
    kept = _kept_ids(rotations) | {rotation.old_key_id, rotation.new_key_id}
    ours = (key for key in keys if any(each.names(key.name) for each in rotations))
    return [key for key in ours if key.is_active and key.key_id not in kept]


def revoke_left_over(claim: Claim, client: DevinClient, keys: Iterable[ApiKey]) -> None:
    for key in left_over(claim.rotation, keys):
        client.revoke_api_key(claim.rotation.service_user_id, key.key_id)


def expiry_like(keys: Iterable[ApiKey], key_id: str) -> int | None:
    """When a key made now ends, if it is to live as long as this one; None for one that lives for ever."""
    old = next((key for key in keys if key.key_id == key_id), None)
    if old is None or old.expires_at is None or old.created_at is None or old.expires_at <= old.created_at:
        return None
    return int(clock.now().timestamp()) + old.expires_at - old.created_at


def _kept_ids(rotations: Collection[KeyRotation]) -> set[str]:
    """Of the keys that connections went on with."""
    return {each.new_key_id for each in rotations if each.is_over and each.outcome != "failed" and each.new_key_id}
