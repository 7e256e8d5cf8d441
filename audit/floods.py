"""Failed log-ins of strangers, counted by where they come from, so that no flood of them fills the log.

So many come from one address in a quarter of an hour, and of them is written:

    the first thirty                               a line each
    the next, and again at 301, 3,001 and so on    one line that says how many there were
    any other                                      nothing
"""

import time

from django.db.models import F

from audit.models import FailedLogIns
from common.addresses import counted
from common.cleaning import delete_some

WINDOW = 15 * 60
TOLD = 30


def count(address: str) -> int:
    """How many there were from there in this quarter of an hour, with this one."""
    where, window = counted(address)[:45], _window()
    rows = FailedLogIns.objects.filter(address=where)
    if not rows.filter(window=window).update(count=F("count") + 1):
        new = FailedLogIns(address=where, window=window, count=1)
        FailedLogIns.objects.bulk_create(
            [new], update_conflicts=True, unique_fields=["address"], update_fields=["window", "count"]
        )
    return rows.values_list("count", flat=True).first() or 1


def is_flooding(address: str) -> bool:
    """Whether nobody is told any more, one by one, of what fails from there."""
    rows = FailedLogIns.objects.filter(address=counted(address)[:45], window=_window())
    return rows.filter(count__gt=TOLD).exists()


def seconds_left() -> int:
    """Until the next quarter of an hour begins."""
    return int(WINDOW - time.time() % WINDOW) + 1


def is_round(number: int) -> bool:
    """Whether a line tells of so many at once."""
    power, before = TOLD, number - 1
    while power < before:
        power *= 10
    return power == before


def clean_some() -> bool:
    return delete_some(FailedLogIns.objects.filter(window__lt=_window()).order_by("window"))


def _window() -> int:
    return int(time.time() // WINDOW)
