"""Runs that a run asks for: of a sync that it gives secrets, and of one that waited for the source that it has read."""

from contextlib import suppress

from syncs.choices import Operation, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import NO_WISHES, Wishes


def ring_receiver(sync: DevinSync) -> None:
    """A sync that was given secrets by another one runs at once."""
    request_run(sync, trigger=Trigger.HAND_OVER)


def ring_again(run: SyncRun) -> None:
    """What it had to hold for another sync's source can go now. What a person confirmed was another plan."""
    if run.sync is None:
        return
    wishes = NO_WISHES
    if run.operation == Operation.REMOVE:
        wishes = Wishes(removes_sync=run.removes_sync, connection_id=run.connection_id, org_id=run.org_id)
    with suppress(NotRunnable):
        request_run(run.sync, trigger=Trigger.SOURCE_BACK, operation=Operation(run.operation), wishes=wishes)
