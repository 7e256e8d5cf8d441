"""Waits for a run to end, outside of any transaction, for a caller that asked for it.

Who waits holds a thread of the web process, so only half of them may be held at a time; one more is answered at once.
"""

import threading
import time
from uuid import UUID

from django.conf import settings

from syncs.models import SyncRun

LONGEST_WAIT = 60
FIRST_LOOK = 0.05
LONGEST_PAUSE = 0.5
slots = threading.BoundedSemaphore(max(settings.WEB_THREADS // 2, 1))


def wait_for(run_id: UUID, seconds: float) -> SyncRun | None:
    """The run once it has ended, or as it is when the time is up or too many wait already. None if it is gone."""
    if not slots.acquire(blocking=False):
        return SyncRun.objects.filter(pk=run_id).first()
    try:
        return _wait_for(run_id, seconds)
    finally:
        slots.release()


def _wait_for(run_id: UUID, seconds: float) -> SyncRun | None:
    until, pause = time.monotonic() + min(seconds, LONGEST_WAIT), FIRST_LOOK
    while True:
        run = SyncRun.objects.filter(pk=run_id).first()
        left = until - time.monotonic()
        if run is None or run.is_finished or left <= 0:
            return run
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
