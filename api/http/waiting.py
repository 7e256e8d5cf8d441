"""Waits for others, such as a run that is to end, outside of any transaction, for a caller that asked for it.

Who waits holds a thread of the web process, so only half of them may be held at a time; one more is answered at once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from django.conf import settings
from ninja import Query

from api.http.errors import TooManyRequests
from syncs.models import SyncRun
from syncs.runs.waiting import wait_for_end

LONGEST_WAIT = 60
# Seconds, for who is not let in to wait.
TRY_AGAIN = 5
Wait = Annotated[
    float,
    Query(
        0,
        ge=0,
        allow_inf_nan=False,
        description=f"Answer once the run has ended, or after this many seconds (at most {LONGEST_WAIT}).",
    ),
]
slots = threading.BoundedSemaphore(max(settings.WEB_THREADS // 2, 1))


def wait_for(run_id: UUID, seconds: float) -> SyncRun | None:
    """The run once it has ended, or as it is when the time is up or too many wait already. None if it is gone."""
    if not slots.acquire(blocking=False):
        return SyncRun.objects.filter(pk=run_id).first()
    try:
        return wait_for_end(run_id, seconds=min(seconds, LONGEST_WAIT))
    finally:
        slots.release()


@contextmanager
def holding_a_thread() -> Iterator[None]:
    """While somebody outside is asked, who may take their time. Raises TooManyRequests if too many wait already."""
    if not slots.acquire(blocking=False):
        raise TooManyRequests(retry_after=TRY_AGAIN)
    try:
        yield
    finally:
        slots.release()
