"""Which of a rotation's two keys its connection uses: changed in one transaction with the row and the line in the log.

Only from the other one of the two: a key that somebody gave the connection meanwhile stays.
"""

from django.db import transaction
from django.utils import timezone

from audit.models import Action
from audit.writing import note
from common import clock
from connections.kinds import Identity
from connections.models import Connection
from connections.rotation.claiming import Claim
from connections.rotation.keys import Used, key_in_use
from connections.rotation.models import KeyRotation, Step

SCHEDULE = "schedule"


@transaction.atomic
def to_new_key(claim: Claim, identity: Identity, *, step: Step) -> bool:
    """False where the connection no longer uses the old one; then nothing is changed."""
    rotation = claim.rotation
    connection = Connection.objects.select_for_update().get(pk=rotation.connection_id)
    if key_in_use(rotation, connection) is not Used.OLD:
        return False
    connection.describe_as(identity)
    _give(connection, rotation.new_key(), key_id=rotation.new_key_id)
    claim.save(step=step, switched_at=clock.now(), message="")
    tell(rotation, connection, "Put the new API key in the place of the old one")
    return True


@transaction.atomic
def back_to_old_key(claim: Claim) -> None:
    """Where the connection uses the new one."""
    rotation = claim.rotation
    connection = Connection.objects.select_for_update().get(pk=rotation.connection_id)
    if key_in_use(rotation, connection) is Used.NEW:
        _give(connection, rotation.old_key(), key_id=rotation.old_key_id)
        tell(rotation, connection, "Went back to the old API key")
    claim.save(step=Step.RETURNED, switched_at=clock.now(), message="")


def tell(rotation: KeyRotation, connection: Connection, what: str) -> None:
    """A line in the log, of whoever asked for it."""
    who, asked = rotation.asked_by or SCHEDULE, timezone.localtime(rotation.created_at)
    detail = f"{what}, in the rotation that was asked for at {asked:%Y-%m-%d %H:%M %Z}."
    note(who, Action.CHANGED, kind="connection", object_id=connection.pk, name=connection.name, detail=detail)


def _give(connection: Connection, key: str, *, key_id: str) -> None:
    connection.set_api_key(key)
    connection.api_key_id = key_id
    connection.save()
