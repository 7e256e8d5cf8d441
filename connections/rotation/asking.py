"""Somebody, or the schedule, asks for a rotation: a row, which the scheduler finds within seconds."""

from django.db import IntegrityError, transaction

from connections.devin.app import PATIENCE, open_client
from connections.models import Connection
from connections.rotation.models import KeyRotation, Step, Trigger
from connections.validation import clean_api_key
from encryption import DecryptionError


class NotAsked(Exception):
    """Says why there is nothing to rotate, or not now."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def latest(connection: Connection) -> KeyRotation | None:
    return KeyRotation.objects.filter(connection=connection).first()


def why_not(connection: Connection) -> str:
    """Why its key cannot be rotated by itself, as a sentence; "" if it may, as far as is known here."""
    if connection.app != Connection.App.DEVIN:
        return f"“{connection.name}” is not to Devin. Only keys of Devin are rotated here."
    if not connection.sealed_credentials:
        return f"“{connection.name}” has no API key yet. Enter it first."
    if connection.org_id:
        return (
            f"The key of “{connection.name}” is of the organization {connection.org_id} alone: Devin lets only keys of "
            "an enterprise make others. Replace it by hand."
        )
    return connection.why_not_allowed()


def ask(connection: Connection, *, trigger: Trigger, by: str) -> KeyRotation:
    """Raises NotAsked."""
    if problem := why_not(connection):
        raise NotAsked(problem)
    return _begin(KeyRotation(connection=connection, trigger=trigger, asked_by=by[:150]))


def ask_with(connection: Connection, key: str, *, by: str) -> KeyRotation:
    """With a key that a person has made in Devin. It is asked who it is before anything is kept; it takes the old one's
    place once it is proved. Never inside a transaction. Raises NotAsked, ConnectionFailed and ValidationError."""
    key = clean_api_key(key)
    try:
        old = connection.credentials()["apiKey"]
    except DecryptionError as error:
        raise NotAsked(str(error)) from error
    if connection.has_api_key(key):
        raise NotAsked("This is the key that the connection has already.")
    _identify(connection, key)
    rotation = KeyRotation(connection=connection, trigger=Trigger.PERSON, asked_by=by[:150], is_by_hand=True)
    rotation.step, rotation.where = Step.MADE, connection.where
    rotation.keep_old_key(old)
    rotation.keep_new_key(key)
    return _begin(rotation)


def _identify(connection: Connection, key: str) -> None:
    with open_client(connection, patience=PATIENCE, api_key=key) as client:
        client.get_self()


def _begin(rotation: KeyRotation) -> KeyRotation:
    try:
        with transaction.atomic():
            rotation.save(force_insert=True)
    except IntegrityError:
        raise NotAsked(f"The key of “{rotation.connection.name}” is being rotated already.") from None
    return rotation
