"""A run ends, or waits for another attempt. Each end is one short transaction that first looks whose run it is.

running → succeeded | failed | blocked | cancelled, and from running back to pending to try again later.
"""

import random
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from common import clock
from syncs.choices import AsksForWave, Operation, Outcome, Status, Trigger
from syncs.engine.ledger import count_changes
from syncs.engine.report import about_missing, about_stopped, about_waiting, has_sealed, missing_keys
from syncs.errors import AwaitsApproval, Blocked, NotRunnable, SyncError
from syncs.models import DevinSync, SyncRun
from syncs.runs import quiet, waves
from syncs.runs.ask import request_run
from syncs.runs.awaiting import wait
from syncs.runs.counted import count_end, count_retry
from syncs.runs.tracks import lock_sync, show_ended, show_status
from syncs.runs.wishes import Wishes

MAX_ATTEMPTS = 5
LONGEST_RETRY = timedelta(minutes=15)
FIRST_REPAIR = timedelta(minutes=1)


@transaction.atomic
def succeed(run: SyncRun, *, in_step: int | None = None) -> None:
    """`in_step`: how many secrets Devin has as the source has them; None after a removal."""
    if not _is_ours(run):
        return
    sync = run.sync
    if sync is not None:
        sync.in_step_count = in_step
    if quiet.end_without_a_row(run):
        count_end(run, has_row=False)
        return
    end_run(run, Status.SUCCEEDED, "")
    if run.operation == Operation.REMOVE and run.removes_sync and sync is not None:
        sync.delete()


@transaction.atomic
def fail(run: SyncRun, message: str) -> None:
    if _is_ours(run):
        _fail(run, message)


@transaction.atomic
def block(run: SyncRun, blocked: Blocked) -> None:
    if _is_ours(run):
        told = wait(run, blocked) if isinstance(blocked, AwaitsApproval) else blocked
        run.blocked_reason = told.reason
        end_run(run, Status.BLOCKED, _with_missing(run, told.message))


@transaction.atomic
def cancel(run_id: UUID, message: str) -> bool:
    """Ends a run that has not started. False if it has, or if a key is absent that it is to put back first."""
    lock_sync(runs=run_id)
    run = SyncRun.objects.select_for_update().filter(pk=run_id, status=Status.PENDING).first()
    if run is None or has_sealed(run):
        return False
    end_run(run, Status.CANCELLED, message)
    return True


@transaction.atomic
def stop(run: SyncRun) -> None:
    """Ends a run that was cancelled while it was under way."""
    if _is_ours(run):
        _stop(run)


def _stop(run: SyncRun) -> None:
    _cancel_the_rest(run, about_stopped(run))


@transaction.atomic
def await_wave(run: SyncRun) -> None:
    """Ends a run that found a change whose turn has not come, and asks for that turn."""
    if not _is_ours(run):
        return
    _cancel_the_rest(run, about_waiting(run))
    if run.sync_id is not None:
        waves.ask([run.sync_id], why=AsksForWave.HELD)


def _cancel_the_rest(run: SyncRun, message: str) -> None:
    run.changes.filter(outcome=Outcome.PLANNED).update(outcome=Outcome.NOT_ATTEMPTED)
    end_run(run, Status.CANCELLED, message)


@transaction.atomic
def retry_or_fail(run: SyncRun, error: SyncError) -> None:
    """For faults that can pass: the same run waits for another attempt, unless it has had its share of them."""
    if not _is_ours(run):
        return
    if run.stopped_by and not has_sealed(run):
        _stop(run)
        return
    later = SyncRun.objects.pending().filter(sync=run.sync, operation=run.operation).select_for_update().first()
    if later is not None:
        _hand_over(run, later)
        _fail(run, f"{error} A later run is queued and tries again.", may_pass=True)
    elif run.attempt >= MAX_ATTEMPTS:
        _fail(run, f"{error} Given up after {run.attempt} attempts.", may_pass=True)
    else:
        delay = retry_delay(run.attempt, error)
        run.status, run.message = Status.PENDING, _with_missing(run, f"{error}")[:1024]
        run.not_before, run.rung_at = clock.now() + delay, None
        counts = _take_counts(run)
        run.save(update_fields=["status", "message", "not_before", "rung_at", "requests_sent", *counts])
        show_status(run)
        count_retry()


def _hand_over(run: SyncRun, later: SyncRun) -> None:
    """What a person asked of a run, the one that stands in for it does."""
    said = Wishes.of(run).said() | Wishes.of(later).said()
    for name, value in said.items():
        setattr(later, name, value)
    later.save(update_fields=list(said))


def retry_delay(attempt: int, error: SyncError) -> timedelta:
    """Exponential with jitter, and never shorter than Devin asked for."""
    backoff = min(settings.SYNC_RETRY_BASE * 2 ** (attempt - 1), LONGEST_RETRY)
    delay: timedelta = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
    asked = error.retry_after
    return max(delay, min(asked, LONGEST_RETRY)) if asked else delay


def _fail(run: SyncRun, message: str, *, may_pass: bool = False) -> None:
    """A run that leaves a key missing from Devin does not leave it at that: another one is asked for."""
    end_run(run, Status.FAILED, _with_missing(run, message), may_pass=may_pass)
    if run.sync is not None and has_sealed(run):
        delay = LONGEST_RETRY if run.trigger == Trigger.REPAIR else FIRST_REPAIR
        _ask_for_repair(run.sync, delay, is_released=run.is_released)


def _ask_for_repair(sync: DevinSync, delay: timedelta, *, is_released: bool) -> None:
    """Unless another run waits already, which does it as well and sooner."""
    with suppress(NotRunnable):
        repair = request_run(sync, trigger=Trigger.REPAIR, wishes=Wishes(is_released=is_released))
        alone = SyncRun.objects.filter(pk=repair.pk, trigger=Trigger.REPAIR, trigger_count=1)
        alone.update(not_before=clock.now() + delay)


def _with_missing(run: SyncRun, message: str) -> str:
    """The missing keys first: the message may be cut."""
    return f"{about_missing(missing_keys(run))} {message}".strip()


def _take_counts(run: SyncRun) -> list[str]:
    """The names of the columns. The row is not saved."""
    counts = count_changes(run)
    for name, count in counts.items():
        setattr(run, name, count)
    return [*counts]


def _is_ours(run: SyncRun) -> bool:
    """Locks the run. False if it has ended, or if another worker took it over, which then ends it itself."""
    lock_sync(pk=run.sync_id)
    same = SyncRun.objects.select_for_update().filter(pk=run.pk, status=Status.RUNNING, attempt=run.attempt)
    # Somebody may have come to look at it since it was claimed.
    for run.is_quiet, run.stopped_by, run.is_released in same.values_list("is_quiet", "stopped_by", "is_released"):
        return True
    return False


def end_run(run: SyncRun, status: Status, message: str, *, may_pass: bool = False) -> None:
    """`may_pass`: a fault that needs nobody to mend it, so the schedule looks again as usual."""
    run.status, run.message, run.finished_at = status, message[:1024], clock.now()
    counts = _take_counts(run)
    run.save(update_fields=["status", "message", "finished_at", "blocked_reason", "requests_sent", *counts])
    if run.sync is not None:
        show_ended(run.sync, run, needs_person=run.needs_person and not may_pass)
        waves.tell_ended(run.sync)
    count_end(run)
