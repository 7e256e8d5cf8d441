"""Failed log-ins of strangers, counted by where they come from, so that no flood of them fills the log.

So many come from one address in a quarter of an hour, and of them is written:

    the first thirty                               a line each
    the next, and again at 301, 3,001 and so on    one line that says how many there were
    any other                                      nothing

The same holds of all addresses together, from the thousandth on: then nothing more is written for an address that is
new, in no table, however many thousand there are. What is tried with a name that somebody has is told as before.
"""

import time
from dataclasses import dataclass

from django.db.models import F

from audit.models import FailedLogIns
from common.addresses import counted
from common.cleaning import delete_some

WINDOW = 15 * 60
TOLD = 30
# Of all addresses together; no address is written so.
TOLD_IN_ALL, EVERYWHERE = 1000, "*"


@dataclass(frozen=True)
class Counted:
    """How many there were in this quarter of an hour, with this one: from its address, 0 where that is not counted any
    more, and from all of them."""

    here: int
    in_all: int

    @property
    def are_too_many_in_all(self) -> bool:
        return self.in_all > TOLD_IN_ALL


def count(address: str) -> Counted:
    in_all = _add(EVERYWHERE)
    return Counted(_add(counted(address)[:45], may_be_new=in_all <= TOLD_IN_ALL), in_all)


def _add(where: str, *, may_be_new: bool = True) -> int:
    window, rows = _window(), FailedLogIns.objects.filter(address=where)
    if not rows.filter(window=window).update(count=F("count") + 1):
        if not may_be_new:
            return 0
        new = FailedLogIns(address=where, window=window, count=1)
        FailedLogIns.objects.bulk_create(
            [new], update_conflicts=True, unique_fields=["address"], update_fields=["window", "count"]
        )
    return rows.values_list("count", flat=True).first() or 1


def is_everywhere() -> bool:
    """Whether so many have failed, from all addresses together, that nothing more is written for a new one."""
    return FailedLogIns.objects.filter(address=EVERYWHERE, window=_window(), count__gte=TOLD_IN_ALL).exists()


def is_flooding(address: str) -> bool:
    """Whether nobody is told any more, one by one, of what fails from there."""
    rows = FailedLogIns.objects.filter(address=counted(address)[:45], window=_window())
    return rows.filter(count__gt=TOLD).exists()


def seconds_left() -> int:
    """Until the next quarter of an hour begins."""
    return int(WINDOW - time.time() % WINDOW) + 1


def is_round(number: int, told: int = TOLD) -> bool:
    """Whether a line tells of so many at once."""
    power, before = told, number - 1
    while power < before:
        power *= 10
    return power == before


def clean_some() -> bool:
    return delete_some(FailedLogIns.objects.filter(window__lt=_window()).order_by("window"))


def _window() -> int:
    return int(time.time() // WINDOW)
