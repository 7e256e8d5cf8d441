"""A person cancels a run: one that waits ends at once, one that is under way before its next write.

The worker looks for the word where it looks for its lease, so it sees it with the next thing that it writes down. What
is on its way by then arrives, and no key stays away that the run took away.
"""

from uuid import UUID

from django.db import transaction

from syncs.choices import OPEN_STATUSES, Status
from syncs.models import Destination, SyncRun
from syncs.runs import end
from syncs.runs.ask import ring_on_commit
from syncs.runs.tracks import lock_sync


@transaction.atomic
def cancel(run_id: UUID, *, by: str) -> Status | None:
    """What becomes of it: it is CANCELLED, or RUNNING until it has stopped. None if it had ended, or is gone."""
    if end.cancel(run_id, f"Cancelled by {by} before it started."):
        return Status.CANCELLED
    lock_sync(runs=run_id)
    run = SyncRun.objects.select_for_update().filter(pk=run_id, status__in=OPEN_STATUSES).first()
    if run is None:
        return None
    run.stopped_by = by[:200]
    if run.status == Status.PENDING:
        # It waits to put a key back that an earlier attempt took away: that alone is done, and at once.
        run.not_before = None
        ring_on_commit(run.pk, run.sync.project_id if run.sync else None)
    run.save(update_fields=["stopped_by", "not_before"])
    Destination.objects.filter(lease_run_id=run.pk).update(stop_asked=True)
    return Status.RUNNING
