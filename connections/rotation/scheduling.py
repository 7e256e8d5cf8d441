"""Rotation by schedule: every so many days, counted from the last one, or from when that was chosen."""

import logging
from datetime import timedelta

from common import clock
from connections.models import Connection
from connections.rotation.asking import NotAsked, ask, why_not
from connections.rotation.ending import refuse
from connections.rotation.models import Trigger

log = logging.getLogger(__name__)

SHORTEST_DAYS, LONGEST_DAYS = 1, 730
AFTER_A_FAILURE = timedelta(days=1)


def rotate_every(connection: Connection, days: int | None) -> None:
    """None: no more by itself."""
    due_at = clock.now() + timedelta(days=days) if days else None
    Connection.objects.filter(pk=connection.pk).update(rotate_every_days=days, rotation_due_at=due_at)
    connection.rotate_every_days, connection.rotation_due_at = days, due_at


def in_words(days: int | None) -> str:
    """For the log."""
    return f"Rotates its API key every {days} days." if days else "Rotates it by hand alone."


def ask_due() -> None:
    """Again a day later, unless a good end says when the next is: one that does not do is not asked for on and on."""
    for connection in Connection.objects.filter(rotation_due_at__lte=clock.now()):
        Connection.objects.filter(pk=connection.pk).update(rotation_due_at=clock.now() + AFTER_A_FAILURE)
        try:
            if problem := why_not(connection):
                refuse(connection, problem)
            else:
                ask(connection, trigger=Trigger.SCHEDULE, by="")
        except NotAsked as under_way:
            log.info("the key of connection %s is not rotated twice at once: %s", connection.pk, under_way.message)
