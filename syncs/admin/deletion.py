"""Deleting a sync: with or without what it wrote to Devin, and never under a run's feet."""

from typing import Any

from django.db import transaction

from syncs.choices import OPEN_STATUSES, Operation, Status, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs import end
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes

LEAVE, REMOVE = "leave", "remove"


@transaction.atomic
def delete_and_leave(sync: DevinSync) -> None:
    """Deletes the sync; its secrets stay in Devin. Raises NotRunnable while a run is under way."""
    for run in _lock_open_runs(sync):
        end.cancel(run.pk, "The sync was deleted before the run started.")
    sync.delete()


@transaction.atomic
def remove_then_delete(sync: DevinSync, *, user: Any) -> SyncRun:
    """The run that removes the secrets, and at its success the sync. Raises NotRunnable while a run is under way."""
    _lock_open_runs(sync)
    wishes = Wishes(removes_sync=True)
    return request_run(sync, trigger=Trigger.MANUAL, operation=Operation.REMOVE, user=user, wishes=wishes)


def _lock_open_runs(sync: DevinSync) -> list[SyncRun]:
    """The queued ones, which no worker can start meanwhile. The sync first, as everybody locks these two."""
    list(DevinSync.objects.select_for_update().filter(pk=sync.pk).values_list("pk", flat=True))
    open_runs = list(SyncRun.objects.select_for_update().filter(sync=sync, status__in=OPEN_STATUSES))
    if any(run.status == Status.RUNNING for run in open_runs):
        raise NotRunnable(f"A run of “{sync.name}” is under way. Wait until it has ended, then delete the sync.")
    return open_runs
