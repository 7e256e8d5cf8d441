"""What a sync shows of its runs: each operation has a track of its own on the row, "sync" and "remove".

Also the lock on a sync's row, taken before that of any of its runs.
"""

from typing import Any

from syncs.choices import Operation, Status
from syncs.models import DevinSync, SyncRun
from syncs.runs.due import next_reconcile


def lock_sync(**which: Any) -> None:
    """Always before the lock of one of its runs, as an edit of the sync does, so that the two never wait crosswise."""
    rows = DevinSync.objects.filter(**which).order_by("pk").select_for_update(of=("self",), no_key=True)
    list(rows.values_list("pk", flat=True))


def show_queued(sync: DevinSync, run: SyncRun) -> None:
    track = _track(run)
    _update(sync, {f"{track}_status": Status.PENDING, f"last_{track}_run_id": run.pk})


def show_status(run: SyncRun) -> None:
    """That the run has started, or waits again."""
    if run.sync is not None:
        _update(run.sync, {f"{_track(run)}_status": run.status})


def show_ended(sync: DevinSync, run: SyncRun, *, needs_person: bool, last: SyncRun | None = None) -> None:
    """The sync shows its last run; a later one that already waits keeps it "queued".

    `last` is the one to show in place of a run that leaves no row, which counts on the sync.
    """
    track = _track(run)
    waits = SyncRun.objects.pending().filter(sync=sync, operation=run.operation).exclude(pk=run.pk).exists()
    changed: dict[str, Any] = {f"last_{track}_message": run.message}
    if not waits:
        changed |= {f"{track}_status": run.status, f"last_{track}_run_id": (last or run).pk}
    if run.status == Status.SUCCEEDED:
        changed["last_synced_at" if track == "sync" else "last_removed_at"] = run.finished_at
        changed["in_step_count"] = sync.in_step_count
    if track == "sync":
        changed["next_reconcile_at"] = next_reconcile(sync, needs_person=needs_person)
    if last is not None:
        changed["compared_count"] = sync.compared_count + 1
    _update(sync, changed)


def _track(run: SyncRun) -> str:
    return "sync" if run.operation == Operation.SYNC else "remove"


def _update(sync: DevinSync, changed: dict[str, Any]) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(**changed)
    for name, value in changed.items():
        setattr(sync, name, value)
