"""The life of a run: asked for, claimed by a worker, ended. Each step is one short transaction.

pending → running → succeeded | failed | blocked | cancelled, and from running back to pending to try again later.
"""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from syncs.choices import Operation, Status, Trigger
from syncs.engine.lease import Lease
from syncs.engine.ledger import count_changes
from syncs.errors import Blocked, DestinationProblem, NotRunnable, SyncError
from syncs.models import Destination, DevinSync, SyncControl, SyncRun
from syncs.queue import ring
from syncs.request_ids import current_request_id

MAX_ATTEMPTS = 5
LONGEST_RETRY = timedelta(minutes=15)
SELDOM = timedelta(hours=1)
# A person, or a script of theirs, is waiting for these.
ASKED_FOR = frozenset({Trigger.MANUAL, Trigger.API, Trigger.COMMAND, Trigger.WIZARD})
PLACE = frozenset({"connection", "connection_id", "org_id"})
FLAGS = ("confirms_any_deletion", "accepts_rollback", "repushes_all", "removes_sync")


# Asking


@transaction.atomic
def request_run(
    sync: DevinSync,
    *,
    trigger: Trigger,
    operation: Operation = Operation.SYNC,
    user: AbstractBaseUser | AnonymousUser | None = None,
    **wishes: Any,
) -> SyncRun:
    """The pending run that answers this trigger: a new one, or the one that already waits.

    `wishes` are fields of the run: confirmed_deletions, confirms_any_deletion, accepts_rollback, repushes_all,
    removes_sync, connection, org_id. Called inside the transaction of the change that it answers, it is
    durable exactly if the change is. Raises NotRunnable.
    """
    _check_runnable(sync, operation)
    _lock_sync(pk=sync.pk)
    while True:
        pending = SyncRun.objects.pending().filter(sync=sync, operation=operation).select_for_update().first()
        if pending is not None:
            _join(pending, sync, trigger, user, wishes)
            return pending
        run = _new_run(sync, trigger, operation, user, wishes)
        # Another process may have made one since; then the database keeps this out, and we join that one.
        SyncRun.objects.bulk_create([run], ignore_conflicts=True)
        if SyncRun.objects.filter(pk=run.pk).exists():
            _mark_queued(sync, run)
            if run.not_before is None:
                _ring_on_commit(run.pk)
            return run


def _check_runnable(sync: DevinSync, operation: Operation) -> None:
    if operation == Operation.REMOVE:
        return
    if not sync.is_enabled:
        raise NotRunnable(f"The sync “{sync.name}” is disabled. Enable it, then sync again.")
    if not sync.has_source:
        raise NotRunnable(
            f"The source folder {sync.source_label} of “{sync.name}” no longer exists. Choose another one."
        )


def _new_run(sync: DevinSync, trigger: Trigger, operation: Operation, user: Any, wishes: dict[str, Any]) -> SyncRun:
    now = timezone.now()
    was_busy = SyncRun.objects.filter(
        sync=sync, operation=operation, started_at__gt=now - settings.SYNC_QUIET_TIME
    ).exists()
    connection_id, org_id = _place(sync, wishes)
    return SyncRun(
        **{name: value for name, value in wishes.items() if name not in PLACE},
        connection_id=connection_id,
        org_id=org_id,
        sync=sync,
        sync_name=sync.name,
        operation=operation,
        trigger=trigger,
        requested_by=_person(user),
        request_id=current_request_id(),
        queued_at=now,
        not_before=now + settings.SYNC_QUIET_TIME if was_busy else None,
    )


def _place(sync: DevinSync, wishes: dict[str, Any]) -> tuple[Any, str]:
    """The connection and the organization that a run is asked for: the sync's own, unless said otherwise."""
    connection = wishes.get("connection")
    connection_id = connection.pk if connection is not None else wishes.get("connection_id", sync.connection_id)
    return connection_id, wishes.get("org_id", sync.org_id)


def _person(user: Any) -> Any:
    return user if user is not None and user.is_authenticated else None


def _join(pending: SyncRun, sync: DevinSync, trigger: Trigger, user: Any, wishes: dict[str, Any]) -> None:
    """One more trigger for a run that waits. Those that arrive in a burst move its start, but only so far."""
    # A sync's run follows the sync to wherever it points by then; a removal stays where it was asked for.
    goes_elsewhere = _place(sync, wishes) != (pending.connection_id, pending.org_id)
    if pending.operation == Operation.REMOVE and goes_elsewhere:
        raise NotRunnable(f"A removal from {pending.org_id} is still queued. Wait for it, then try again.")
    pending.trigger_count += 1
    wishes = {name: value for name, value in wishes.items() if value is not None and value is not False}
    for name, value in wishes.items():
        setattr(pending, name, value)
    if trigger in ASKED_FOR and (wishes or pending.trigger not in ASKED_FOR):
        # Whose word it was is on record.
        pending.trigger, pending.requested_by = trigger, _person(user)
    now = timezone.now()
    if pending.attempt == 0 and pending.not_before is not None:
        latest = pending.queued_at + settings.SYNC_LONGEST_WAIT
        pending.not_before = min(latest, now + settings.SYNC_QUIET_TIME)
    elif pending.attempt > 0 and trigger in ASKED_FOR:
        pending.not_before = None
        _ring_on_commit(pending.pk)
    pending.save()


def _ring_on_commit(run_id: UUID) -> None:
    # Not a partial: Django cannot name one in its log, and what should be robust would fail at that.
    def tell_the_queue() -> None:
        ring(run_id)

    transaction.on_commit(tell_the_queue, robust=True)


def _mark_queued(sync: DevinSync, run: SyncRun) -> None:
    if run.operation == Operation.SYNC:
        changed: dict[str, Any] = {"sync_status": Status.PENDING, "last_sync_run_id": run.pk}
    else:
        changed = {"remove_status": Status.PENDING, "last_remove_run_id": run.pk}
    _update_sync(sync, changed)


def _update_sync(sync: DevinSync, changed: dict[str, Any]) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(**changed)
    for name, value in changed.items():
        setattr(sync, name, value)


# Claiming


@transaction.atomic
def claim(run_id: UUID) -> tuple[SyncRun, Lease] | None:
    """Takes the lease on the run's organization and starts it, or takes it over from a dead worker.

    None if there is nothing to do now: it has ended, is not due, the organization is busy, or all syncs are paused.
    """
    _lock_sync(runs=run_id)
    related = ("sync__connection", "sync__folder__environment", "connection")
    run = SyncRun.objects.select_for_update(of=("self",)).select_related(*related).filter(pk=run_id).first()
    if run is None or run.is_finished or _has_live_worker(run) or _ended_before_start(run):
        return None
    _follow_sync(run)
    if not _is_due(run) or SyncControl.get().is_paused:
        return None
    run.destination = run.find_destination()
    lease = Lease.acquire(run.destination, run.pk)
    if lease is None:
        return None
    _start(run)
    return run, lease


def _ended_before_start(run: SyncRun) -> bool:
    """Ends a run for which there is nothing, or nobody, to start it."""
    if run.sync is None or run.connection is None:
        _end(run, Status.CANCELLED, "The sync or its connection was deleted before the run started.")
    elif run.operation == Operation.SYNC and not run.sync.is_enabled:
        _end(run, Status.CANCELLED, "The sync was disabled before the run started.")
    elif run.status == Status.RUNNING and run.attempt >= MAX_ATTEMPTS:
        message = f"The worker died in each of {run.attempt} attempts. Its log may tell why. Then sync again."
        _end(run, Status.FAILED, message)
    return run.is_finished


def _follow_sync(run: SyncRun) -> None:
    """The sync may have been given another connection or organization since the run was asked for.

    What a person confirmed then, they confirmed for that organization.
    """
    if run.sync is None or run.operation != Operation.SYNC:
        return
    if run.org_id != run.sync.org_id:
        run.confirmed_deletions, run.confirms_any_deletion, run.accepts_rollback = None, False, False
    run.connection, run.org_id = run.sync.connection, run.sync.org_id


def _has_live_worker(run: SyncRun) -> bool:
    """Wherever it works: its sync may have been given another organization since."""
    leases = Destination.objects.filter(lease_run_id=run.pk, lease_expires_at__gt=Now())
    return run.status == Status.RUNNING and leases.exists()


def _is_due(run: SyncRun) -> bool:
    now = timezone.now()
    limited_until = run.connection.rate_limited_until if run.connection else None
    if limited_until is not None and limited_until > now:
        SyncRun.objects.filter(pk=run.pk).update(not_before=limited_until)
        return False
    return run.status == Status.RUNNING or run.not_before is None or run.not_before <= now


def _start(run: SyncRun) -> None:
    run.status, run.attempt, run.message = Status.RUNNING, run.attempt + 1, ""
    run.started_at = run.started_at or timezone.now()
    run.not_before = None
    where = ["connection", "org_id", "destination", "confirmed_deletions", "confirms_any_deletion", "accepts_rollback"]
    run.save(update_fields=["status", "attempt", "message", "started_at", "not_before", *where])
    if run.sync is not None:
        name = "sync_status" if run.operation == Operation.SYNC else "remove_status"
        _update_sync(run.sync, {name: Status.RUNNING})


# Ending


@transaction.atomic
def succeed(run: SyncRun) -> None:
    if not _is_ours(run):
        return
    _end(run, Status.SUCCEEDED, "")
    sync = run.sync
    if run.operation == Operation.REMOVE and run.removes_sync and sync is not None:
        sync.delete()


@transaction.atomic
def fail(run: SyncRun, message: str) -> None:
    if _is_ours(run):
        _end(run, Status.FAILED, message)


@transaction.atomic
def block(run: SyncRun, blocked: Blocked) -> None:
    if _is_ours(run):
        run.blocked_reason = blocked.reason
        _end(run, Status.BLOCKED, blocked.message)


@transaction.atomic
def cancel(run_id: UUID, message: str) -> bool:
    """Ends a run that has not started. False if it has."""
    _lock_sync(runs=run_id)
    run = SyncRun.objects.select_for_update().filter(pk=run_id, status=Status.PENDING).first()
    if run is None:
        return False
    _end(run, Status.CANCELLED, message)
    return True


@transaction.atomic
def retry_or_fail(run: SyncRun, error: SyncError) -> None:
    """For faults that can pass: the same run waits for another attempt, unless it has had its share of them."""
    if not _is_ours(run):
        return
    later = SyncRun.objects.pending().filter(sync=run.sync, operation=run.operation).select_for_update().first()
    if later is not None:
        _hand_over(run, later)
        _end(run, Status.FAILED, f"{error} A later run is queued and tries again.", may_pass=True)
    elif run.attempt >= MAX_ATTEMPTS:
        _end(run, Status.FAILED, f"{error} Given up after {run.attempt} attempts.", may_pass=True)
    else:
        delay = retry_delay(run.attempt, error)
        run.status, run.message = Status.PENDING, f"{error}"[:1024]
        run.not_before, run.rung_at = timezone.now() + delay, None
        run.save(update_fields=["status", "message", "not_before", "rung_at"])
        if run.sync is not None:
            name = "sync_status" if run.operation == Operation.SYNC else "remove_status"
            _update_sync(run.sync, {name: Status.PENDING})


def _hand_over(run: SyncRun, later: SyncRun) -> None:
    """What a person asked of a run, the one that stands in for it does."""
    if later.confirmed_deletions is None:
        later.confirmed_deletions = run.confirmed_deletions
    for name in FLAGS:
        setattr(later, name, getattr(later, name) or getattr(run, name))
    later.save(update_fields=["confirmed_deletions", *FLAGS])


def retry_delay(attempt: int, error: SyncError) -> timedelta:
    """Exponential with jitter, and never shorter than Devin asked for."""
    backoff = min(settings.SYNC_RETRY_BASE * 2 ** (attempt - 1), LONGEST_RETRY)
    delay: timedelta = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
    asked = error.retry_after if isinstance(error, DestinationProblem) else None
    return max(delay, min(asked, LONGEST_RETRY)) if asked else delay


def _is_ours(run: SyncRun) -> bool:
    """Locks the run. False if it has ended, or if another worker took it over, which then ends it itself."""
    _lock_sync(pk=run.sync_id)
    same = SyncRun.objects.select_for_update().filter(pk=run.pk, status=Status.RUNNING, attempt=run.attempt)
    return bool(same.values_list("pk", flat=True)[:1])


def _lock_sync(**which: Any) -> None:
    """Always before the lock of one of its runs, as an edit of the sync does, so that the two never wait crosswise."""
    rows = DevinSync.objects.filter(**which).order_by("pk").select_for_update(of=("self",), no_key=True)
    list(rows.values_list("pk", flat=True))


def _end(run: SyncRun, status: Status, message: str, *, may_pass: bool = False) -> None:
    """`may_pass`: a fault that needs nobody to mend it, so the schedule looks again as usual."""
    run.status, run.message, run.finished_at = status, message[:1024], timezone.now()
    counts = count_changes(run)
    for name, count in counts.items():
        setattr(run, name, count)
    run.save(update_fields=["status", "message", "finished_at", "blocked_reason", *counts])
    if run.sync is not None:
        _report_to_sync(run.sync, run, needs_person=run.needs_person and not may_pass)


def _report_to_sync(sync: DevinSync, run: SyncRun, *, needs_person: bool) -> None:
    """The sync shows its last run; a later one that already waits keeps it "queued"."""
    prefix = "sync" if run.operation == Operation.SYNC else "remove"
    waits = SyncRun.objects.pending().filter(sync=sync, operation=run.operation).exclude(pk=run.pk).exists()
    changed: dict[str, Any] = {f"last_{prefix}_message": run.message}
    if not waits:
        changed |= {f"{prefix}_status": run.status, f"last_{prefix}_run_id": run.pk}
    if run.status == Status.SUCCEEDED:
        changed["last_synced_at" if prefix == "sync" else "last_removed_at"] = run.finished_at
    if prefix == "sync":
        changed["next_reconcile_at"] = next_reconcile(sync, needs_person=needs_person)
    _update_sync(sync, changed)


def next_reconcile(sync: DevinSync, *, needs_person: bool = False) -> datetime | None:
    """When to compare again: after the sync's interval, give or take a tenth, so that syncs do not all go at once.

    What a person has to mend is looked at again once an hour, in case they did so outside DevinSync.
    """
    if not sync.reconcile_minutes:
        return None
    interval = timedelta(minutes=sync.reconcile_minutes)
    if needs_person:
        interval = max(interval, SELDOM)
    return timezone.now() + interval * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, not a secret


# What the queue may have lost


def abandoned() -> QuerySet[SyncRun]:
    """Running ones whose worker is gone: its lease has expired, or somebody else holds the organization."""
    rung_lately = Q(rung_at__gt=timezone.now() - settings.SYNC_RING_AGAIN)
    alive = Q(destination__lease_run_id=F("pk"), destination__lease_expires_at__gt=Now())
    return SyncRun.objects.filter(status=Status.RUNNING).exclude(alive).exclude(rung_lately)


def waiting_for(run: SyncRun) -> list[UUID]:
    """Due runs of the same organization, which this run kept waiting."""
    now = timezone.now()
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    rows = SyncRun.objects.pending().filter(due, org_id=run.org_id).order_by("queued_at")
    return list(rows.values_list("pk", flat=True)[:10])
