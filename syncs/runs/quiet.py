"""Runs that nobody asked for and that have nothing to tell leave no row: the sync says when it was compared.

Only the schedule and looks for changes ask for such runs. What makes a row stay: anything changed, refused or held
anew; other warnings than the last time; a last run that did not succeed, because being in step again is news; and
somebody who joined the run or looked at it while it was under way, because they find it again at its end.
"""

from django.db.models import Exists, OuterRef, Q

from common import clock
from syncs.choices import OPEN_STATUSES, Operation, Outcome, Status
from syncs.models import SyncRun, SyncRunChange, WriteIntent
from syncs.runs.tracks import show_ended


def end_without_a_row(run: SyncRun) -> bool:
    """Ends a run that has succeeded, if it has nothing to tell. Under the lock of its sync and of the run."""
    if not run.is_quiet or run.sync is None or run.operation != Operation.SYNC:
        return False
    last = _last_that_tells_the_same(run)
    if last is None:
        return False
    run.status, run.message, run.finished_at = Status.SUCCEEDED, "", clock.now()
    for rows in (SyncRunChange.objects.filter(run=run), SyncRun.objects.filter(pk=run.pk)):
        # Not delete(): it would look up what refers to them, and nothing does.
        rows._raw_delete(rows.db)
    show_ended(run.sync, run, needs_person=False, last=last)
    return True


def _last_that_tells_the_same(run: SyncRun) -> SyncRun | None:
    """The run before, if what stands there is true still."""
    wrote = Exists(WriteIntent.objects.filter(run=OuterRef("pk")))
    runs = SyncRun.objects.filter(sync=run.sync_id, operation=run.operation).exclude(status=Status.PENDING)
    newest = list(runs.annotate(wrote=wrote).order_by("-queued_at")[:2])
    if len(newest) < 2 or newest[0].pk != run.pk or getattr(newest[0], "wrote", True):
        return None
    this, last = newest
    is_same = last.status == Status.SUCCEEDED and this.warnings == last.warnings and _hold_the_same(this, last)
    return last if is_same else None


def _hold_the_same(this: SyncRun, last: SyncRun) -> bool:
    """Whether this run has changed nothing, and asks of the same secrets as the one before."""
    rows = SyncRunChange.objects.filter(Q(run=this) | Q(run=last, outcome=Outcome.HELD)).order_by()
    found: dict[object, set[tuple[str, ...]]] = {this.pk: set(), last.pk: set()}
    for run_id, *row in rows.values_list("run_id", "outcome", "action", "destination_key", "secret_id"):
        found[run_id].add(tuple(row))
    return found[this.pk] == found[last.pk]


def keep(run: SyncRun) -> bool:
    """For whoever looks at a run that is under way: it stays. False if it has gone in this moment."""
    if not run.is_quiet or run.status not in OPEN_STATUSES:
        return True
    run.is_quiet = False
    return bool(SyncRun.objects.filter(pk=run.pk).update(is_quiet=False))
