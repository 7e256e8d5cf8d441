"""The time by which hosts agree on what is due: the database's.

A host's own clock may be wrong, or be set while it runs. SQLite is on the same machine: there is no other clock to ask.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

MEASURED_FOR = 30.0
# A host's clock that moved so much against its monotonic one has been set.
SET = 1.0


@dataclass
class Measured:
    """How far the database's clock is ahead, and the two clocks of this host when that was measured, in seconds."""

    ahead: timedelta
    wall: float
    monotonic: float

    def holds(self) -> bool:
        passed = time.monotonic() - self.monotonic
        return passed < MEASURED_FOR and abs(timezone.now().timestamp() - self.wall - passed) < SET


_measured: list[Measured] = []


def now() -> datetime:
    """Costs a query every half a minute, and none with SQLite."""
    if connection.vendor == "sqlite":
        return timezone.now()
    if not _measured or not _measured[-1].holds():
        _measured[:] = [_measure()]
    return timezone.now() + _measured[-1].ahead


def _measure() -> Measured:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    own = timezone.now()
    return Measured(theirs - own, own.timestamp(), time.monotonic())
