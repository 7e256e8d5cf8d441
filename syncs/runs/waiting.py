"""Waits for a run to end, outside of any transaction, for a caller that asked for it."""

from uuid import UUID

from common.waiting import wait_for
from syncs.choices import OPEN_STATUSES
from syncs.models import SyncRun

# Somebody waits: of a run of half a second, a longer pause would be a good part.
LONGEST_PAUSE = 0.1


def wait_for_end(run_id: UUID, *, seconds: float) -> SyncRun | None:
    """The run once it has ended, or as it is when the time is up. None if it is gone."""
    runs = SyncRun.objects.filter(pk=run_id)
    wait_for(lambda: not runs.filter(status__in=OPEN_STATUSES).exists(), seconds=seconds, longest_pause=LONGEST_PAUSE)
    return runs.first()
