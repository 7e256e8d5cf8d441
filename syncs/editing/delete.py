"""A sync is deleted, with or without what it wrote to Devin, and never under a run's feet."""

from uuid import UUID

from django.db import transaction

from syncs.choices import OPEN_STATUSES, Operation, Status
from syncs.editing.actor import Actor
from syncs.editing.change import locked
from syncs.editing.loosening import check_may_leave_behind
from syncs.editing.moves import Place, stop_awaiting
from syncs.editing.rights import check_may_delete
from syncs.errors import EditRefused
from syncs.models import DevinSync, SyncRun
from syncs.runs import end
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes


@transaction.atomic
def delete_sync(sync_id: UUID, *, by: Actor, removes_secrets: bool) -> SyncRun | None:
    """Deletes it at once, its secrets staying in Devin; or asks for their removal, at whose success the sync goes.

    Raises EditRefused while a run is under way, either way: it may be writing what nobody has counted yet, and what a
    person was told would be removed is to be what is removed.
    """
    sync = locked(sync_id)
    by.check_may_edit(sync)
    check_may_delete(sync, by=by, removes_secrets=removes_secrets)
    waiting = _lock_waiting_runs(sync)
    if removes_secrets:
        wishes = Wishes(removes_sync=True)
        run = request_run(sync, trigger=by.trigger, operation=Operation.REMOVE, user=by.user, wishes=wishes)
        by.note_deleted(sync, "Asked to delete it with its secrets")
        return run
    check_may_leave_behind(sync, by=by)
    for run in waiting:
        end.cancel(run.pk, "The sync was deleted before the run started.")
    by.note_deleted(sync)
    stop_awaiting(sync, Place.of(sync))
    sync.delete()
    return None


def _lock_waiting_runs(sync: DevinSync) -> list[SyncRun]:
    """Those that are queued, which no worker can start meanwhile."""
    open_runs = list(SyncRun.objects.select_for_update().filter(sync=sync, status__in=OPEN_STATUSES))
    if any(run.status == Status.RUNNING for run in open_runs):
        raise EditRefused(f"A run of “{sync.name}” is under way. Wait until it has ended, then delete the sync.")
    return open_runs
