"""Waits for a run to end, outside of any transaction, for a caller that asked for it.

Who waits holds a thread of the web process, so only half of them may be held at a time; one more is answered at once.
"""

import threading
from uuid import UUID

from django.conf import settings

from syncs.models import SyncRun
from syncs.runs.waiting import wait_for_end

LONGEST_WAIT = 60
slots = threading.BoundedSemaphore(max(settings.WEB_THREADS // 2, 1))


def wait_for(run_id: UUID, seconds: float) -> SyncRun | None:
    """The run once it has ended, or as it is when the time is up or too many wait already. None if it is gone."""
    if not slots.acquire(blocking=False):
        return SyncRun.objects.filter(pk=run_id).first()
    try:
        return wait_for_end(run_id, seconds=min(seconds, LONGEST_WAIT))
    finally:
        slots.release()
