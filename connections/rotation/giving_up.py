"""A person ends a rotation that comes to no end by itself; and a connection stays as long as one of it is unfinished,
as deleting it would forget a key that lives in Devin."""

from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete

from common import clock
from connections.models import Connection
from connections.rotation.ending import LONGEST
from connections.rotation.keys import Used, key_in_use
from connections.rotation.models import KeyRotation, Outcome, Step
from connections.rotation.switching import tell
from encryption import DecryptionError


class NotGivenUp(Exception):
    """Says why there is nothing to give up, or not now."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def connect() -> None:
    pre_delete.connect(keep_while_rotating, sender=Connection, dispatch_uid="connections.rotation")


def unfinished(connection: Connection) -> KeyRotation | None:
    return KeyRotation.objects.filter(connection=connection, ended_at=None).first()


def why_it_is_kept(connection: Connection) -> str:
    """Why it can't be deleted now; "" if no rotation keeps it."""
    rotation = unfinished(connection)
    if rotation is None:
        return ""
    return (
        f"The key of “{connection.name}” is being rotated ({rotation.get_step_display().lower()}), so keys live in "
        "Devin that nobody else knows. Wait until that has ended, or give it up on the page of its key, then delete it."
    )


def keep_while_rotating(*, instance: Connection, **_: Any) -> None:
    """Whoever deletes one, by whichever way. Its row is locked, so that none is asked for meanwhile."""
    Connection.objects.select_for_update().filter(pk=instance.pk).first()
    if problem := why_it_is_kept(instance):
        raise ProtectedError(problem, set(KeyRotation.objects.filter(connection=instance, ended_at=None)))


@transaction.atomic
def give_up(connection: Connection, *, by: str) -> KeyRotation:
    """Ends it as it stands, without a word to Devin: whoever is at it writes nothing more. Raises NotGivenUp."""
    rotation = KeyRotation.objects.select_for_update().filter(connection=connection, ended_at=None).first()
    if rotation is None:
        raise NotGivenUp(f"The key of “{connection.name}” is not being rotated any more.")
    if rotation.step == Step.RETURNING:
        raise NotGivenUp("The connection goes back to its old key right now. Try again in a moment.")
    rotation.outcome, said = _what_is_left(rotation)
    _remember_which_key(rotation)
    rotation.message = f"{by} gave it up. {said}"[:LONGEST]
    rotation.step, rotation.ended_at = Step.ENDED, clock.now()
    rotation.sealed_old_key = rotation.sealed_new_key = ""
    rotation.claim, rotation.claimed_until = "", None
    rotation.save()
    tell(rotation, connection, f"{Outcome(rotation.outcome).label}: {rotation.message.removesuffix('.')}")
    return rotation


def _remember_which_key(rotation: KeyRotation) -> None:
    """Two may live in Devin from now on, which does not tell which of them the connection uses."""
    with suppress(DecryptionError):
        if rotation.old_key_id and key_in_use(rotation) is Used.OLD:
            Connection.objects.filter(pk=rotation.connection_id).update(api_key_id=rotation.old_key_id)


def _what_is_left(rotation: KeyRotation) -> tuple[Outcome, str]:
    """What came of it, and what a person is to do about it in Devin."""
    if rotation.step in (Step.SWITCHED, Step.PROVEN):
        return Outcome.OLD_KEPT, "The new key is in use. Revoke the old one in Devin."
    said = "The connection goes on with the old key."
    if rotation.is_by_hand:
        return Outcome.FAILED, f"{said} Revoke the new one in Devin, if nobody else uses it."
    if not rotation.keys_asked_for:
        return Outcome.FAILED, said
    names = [rotation.key_name(number + 1) for number in range(rotation.keys_asked_for)]
    return Outcome.FAILED, f"{said} Revoke in Devin what is there of {', '.join(names[-3:])}: nobody uses it."
