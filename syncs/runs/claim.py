"""A worker claims a run: the lease on its organization, and the row's start, in one short transaction."""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from common import clock
from syncs.choices import Operation, Status
from syncs.engine.lease import Lease
from syncs.models import Destination, SyncControl, SyncRun
from syncs.places import JOINED
from syncs.runs.counted import count_takeover
from syncs.runs.end import MAX_ATTEMPTS, end_run
from syncs.runs.failover import time_to_wait
from syncs.runs.tracks import lock_sync, show_status


def is_kept_waiting(run_id: UUID) -> bool:
    """Whether another run has its organization, which rings for it at its end. Asked before `claim`, which locks: for
    one organization many bells may ring, of which one is for a run that can start.
    """
    here = Q(base_url=OuterRef("sync__connection__base_url"), org_id=OuterRef("sync__org_id"))
    taken = Destination.objects.filter(here, lease_expires_at__gt=Now()).exclude(lease_holder="")
    waits = SyncRun.objects.pending().filter(pk=run_id, operation=Operation.SYNC, sync__is_enabled=True)
    return waits.filter(Exists(taken)).exists()


@transaction.atomic
def claim(run_id: UUID) -> tuple[SyncRun, Lease] | None:
    """Takes the lease on the run's organization and starts it, or takes it over from a dead worker.

    None if there is nothing to do now: it has ended, is not due, the organization is busy, or all syncs are paused.
    """
    lock_sync(runs=run_id)
    related = ("sync__connection", *(f"sync__{name}" for name in JOINED), "connection")
    run = SyncRun.objects.select_for_update(of=("self",)).select_related(*related).filter(pk=run_id).first()
    if run is None or run.is_finished or _has_live_worker(run) or _ended_before_start(run):
        return None
    _follow_sync(run)
    control = SyncControl.get()
    if not _is_due(run) or control.is_paused:
        return None
    run.destination, patience = run.find_destination(), time_to_wait(control)
    lease = Lease.acquire(run.destination, run.pk, stops=bool(run.stopped_by), patience=patience)
    if lease is None:
        return None
    if lease.was_taken_over:
        count_takeover()
    _start(run)
    return run, lease


def _ended_before_start(run: SyncRun) -> bool:
    """Ends a run for which there is nothing, or nobody, to start it."""
    if run.sync is None or run.connection is None:
        end_run(run, Status.CANCELLED, "The sync or its connection was deleted before the run started.")
    elif run.operation == Operation.SYNC and not run.sync.is_enabled:
        end_run(run, Status.CANCELLED, "The sync was disabled before the run started.")
    elif run.status == Status.RUNNING and run.attempt >= MAX_ATTEMPTS:
        message = f"The worker died in each of {run.attempt} attempts. Its log may tell why. Then sync again."
        end_run(run, Status.FAILED, message)
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
    now = clock.now()
    limited_until = run.connection.rate_limited_until if run.connection else None
    if limited_until is not None and limited_until > now:
        SyncRun.objects.filter(pk=run.pk).update(not_before=limited_until)
        return False
    return run.status == Status.RUNNING or run.not_before is None or run.not_before <= now


def _start(run: SyncRun) -> None:
    run.status, run.attempt, run.message = Status.RUNNING, run.attempt + 1, ""
    run.started_at = run.started_at or clock.now()
    run.not_before = None
    where = ["connection", "org_id", "destination", "confirmed_deletions", "confirms_any_deletion", "accepts_rollback"]
    run.save(update_fields=["status", "attempt", "message", "started_at", "not_before", *where])
    show_status(run)
