"""What is counted of runs when one has ended for good, which it has once its transaction is committed."""

from django.db import transaction

from common.counting import Counter, Histogram, save_now
from syncs.choices import OPEN_STATUSES, Operation, Status, Trigger
from syncs.models import SyncRun

RESULTS = ("created", "replaced", "renamed", "handed_over", "deleted", "failed")
ENDS = tuple(status for status in Status.values if status not in OPEN_STATUSES)

RUNS = Counter("devinsync_runs_total", "Runs that have ended.", {"operation": tuple(Operation.values), "outcome": ENDS})
DURATION = Histogram(
    "devinsync_run_duration_seconds",
    "From a run's first attempt to its end, pauses between attempts included.",
    {"operation": tuple(Operation.values)},
)
LAG = Histogram(
    "devinsync_change_lag_seconds",
    "From a change of a source to the end of the run that it asked for, of those that succeeded: from the first change "
    "of a burst.",
)
CHANGES = Counter("devinsync_changes_total", "Secrets by what runs did to them in Devin.", {"result": RESULTS})
DRIFTED = Counter("devinsync_drifted_secrets_total", "Secrets that were found changed or gone in Devin.")
HELD = Counter("devinsync_held_deletions_total", "Deletions that a run found to wait for a person or another sync.")
UNRECORDED = Counter("devinsync_unrecorded_runs_total", "Runs that had nothing to tell and left no row in the history.")
RETRIES = Counter("devinsync_run_retries_total", "Attempts of runs that ended by a fault that can pass.")
TAKEOVERS = Counter(
    "devinsync_lease_takeovers_total", "Organizations taken over from a worker that was gone in the middle of a run."
)


def count_end(run: SyncRun, *, has_row: bool = True) -> None:
    """Once what stands on it is committed."""
    transaction.on_commit(lambda: _count_end(run, has_row=has_row), robust=True)


def count_retry() -> None:
    transaction.on_commit(RETRIES.add, robust=True)


def count_takeover() -> None:
    transaction.on_commit(_count_takeover, robust=True)


def _count_takeover() -> None:
    """And saves it at once: what killed the worker before may be this very run, which kills this one as well."""
    TAKEOVERS.add()
    save_now()


def _count_end(run: SyncRun, *, has_row: bool) -> None:
    RUNS.add(operation=run.operation, outcome=run.status)
    if run.duration is not None:
        DURATION.observe(run.duration.total_seconds(), operation=run.operation)
    if run.finished_at and run.status == Status.SUCCEEDED and run.trigger == Trigger.CHANGE:
        LAG.observe((run.finished_at - run.queued_at).total_seconds())
    for result in RESULTS:
        CHANGES.add(getattr(run, f"{result}_count"), result=result)
    DRIFTED.add(run.drifted_count)
    HELD.add(run.held_count)
    UNRECORDED.add(0 if has_row else 1)
