"""One trigger for many syncs at once: a pending run each, in a few statements, however many they are."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from common import clock
from common.request_ids import current_request_id
from common.rows import save_columns
from syncs.choices import AsksForWave, Operation, Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs import ask, waves
from syncs.runs.due import next_reconcile

# More bells than this are left to the scheduler, which rings for what nobody has rung for within a second.
RUNG_AT_ONCE = 20
ROWS = 500
# What is read of a sync and of a run that waits: they have several times as many columns.
COLUMNS = ("name", "project_id", "connection_id", "org_id", "reconcile_minutes", "next_reconcile_at", "goes_in_waves")
RUN_COLUMNS = (
    *("sync_id", "status", "trigger_count", "is_quiet", "is_released"),
    *("attempt", "not_before", "queued_at", "askers"),
)


def request_runs(
    sync_ids: Collection[UUID],
    *,
    trigger: Trigger,
    user: AbstractBaseUser | AnonymousUser | None = None,
    is_quiet: bool = False,
    changed: Collection[UUID] = (),
) -> list[UUID]:
    """The pending runs, new or joined, of those of these syncs that may run now; the others are left out.

    `is_quiet`: nobody waits for them, so they need leave no row (`syncs.runs.quiet`). `changed` are those of them that
    have another source now for sure: where such a change goes out in waves, a turn is asked for instead of a run.

    Like `request_run` it belongs into the transaction of the change that it answers, of which it is a part.
    """
    with transaction.atomic(savepoint=False):
        syncs = _lock(sync_ids, trigger)
        if changed and (waiting := [sync.pk for sync in syncs if sync.goes_in_waves and sync.pk in changed]):
            waves.ask(waiting, why=AsksForWave.CHANGE, user=user)
            syncs = [sync for sync in syncs if sync.pk not in waiting]
        return _request_runs(syncs, trigger, user, is_quiet=is_quiet)


def start_now(sync_ids: Collection[UUID]) -> None:
    """A person says so: what waits for another attempt waits no longer. Under the locks of these syncs."""
    waiting = SyncRun.objects.pending().filter(sync__in=list(sync_ids), operation=Operation.SYNC)
    _ring_on_commit(_begin_now(waiting.only(*RUN_COLUMNS)))


def _begin_now(waiting: Iterable[SyncRun]) -> list[SyncRun]:
    """Those of these that waited for another attempt, as one that is asked for alone does; not what waits for the end
    of a burst of changes."""
    hurried = [run for run in waiting if run.attempt > 0 and run.not_before is not None]
    for run in hurried:
        run.not_before = None
    save_columns(hurried, ["not_before"])
    return hurried


def _request_runs(
    syncs: list[DevinSync], trigger: Trigger, user: AbstractBaseUser | AnonymousUser | None, *, is_quiet: bool
) -> list[UUID]:
    now = clock.now()
    runs = _lately(syncs, now)
    waiting = {run.sync_id: run for run in runs if run.status == Status.PENDING}
    busy = {run.sync_id for run in runs if run.status != Status.PENDING}
    _join(waiting.values(), now, user, is_quiet=is_quiet, is_released=trigger in ask.RELEASING)
    hurried = _begin_now(waiting.values()) if trigger in ask.ASKED_FOR else []
    fresh = [_new_run(sync, trigger, user, now, waits=sync.pk in busy) for sync in syncs if sync.pk not in waiting]
    for run in fresh:
        run.is_quiet, run.is_released = is_quiet, trigger in ask.RELEASING
    SyncRun.objects.bulk_create(fresh, batch_size=ROWS)
    _show_queued({run.sync_id: run.pk for run in fresh if run.sync_id})
    if trigger == Trigger.SCHEDULE:
        _schedule_next(syncs)
    else:
        _ring_on_commit([*hurried, *(run for run in fresh if run.not_before is None)])
    return [run.pk for run in (*fresh, *waiting.values())]


def _lock(sync_ids: Collection[UUID], trigger: Trigger) -> list[DevinSync]:
    """In the order of their ids, as everybody locks them.

    Out is what was disabled or lost its source since it was found, or was started by another scheduler.
    """
    syncs = DevinSync.objects.due() if trigger == Trigger.SCHEDULE else DevinSync.objects.live()
    rows = syncs.filter(pk__in=list(sync_ids)).order_by("pk").only(*COLUMNS)
    return list(rows.select_for_update(of=("self",), no_key=True))


def _lately(syncs: Iterable[DevinSync], now: datetime) -> list[SyncRun]:
    """Their runs that wait, or started a moment ago."""
    lately = Q(status=Status.PENDING) | Q(started_at__gt=now - settings.SYNC_QUIET_TIME)
    rows = SyncRun.objects.filter(lately, sync__in=[sync.pk for sync in syncs], operation=Operation.SYNC)
    return list(rows.only(*RUN_COLUMNS))


def _join(
    waiting: Iterable[SyncRun],
    now: datetime,
    user: AbstractBaseUser | AnonymousUser | None,
    *,
    is_quiet: bool,
    is_released: bool,
) -> None:
    joined = list(waiting)
    for run in joined:
        run.trigger_count += 1
        run.is_quiet, run.stopped_by = run.is_quiet and is_quiet, ""
        run.is_released |= is_released
        run.askers = ask.with_asker(run.askers, user)
        ask.move_start(run, now)
    save_columns(joined, ["trigger_count", "is_quiet", "is_released", "stopped_by", "not_before", "askers"])


def _new_run(
    sync: DevinSync,
    trigger: Trigger,
    user: AbstractBaseUser | AnonymousUser | None,
    now: datetime,
    *,
    waits: bool,
) -> SyncRun:
    return SyncRun(
        sync=sync,
        sync_name=sync.name,
        connection_id=sync.connection_id,
        org_id=sync.org_id,
        trigger=trigger,
        requested_by_id=user.pk if user is not None and user.is_authenticated else None,
        askers=ask.with_asker(None, user),
        request_id=current_request_id(),
        queued_at=now,
        not_before=now + settings.SYNC_QUIET_TIME if waits else None,
    )


def _show_queued(runs: dict[UUID, UUID]) -> None:
    """By a sync's id, that of its run."""
    syncs = DevinSync.objects.filter(pk__in=list(runs))
    pending = SyncRun.objects.pending().filter(sync=OuterRef("pk"), operation=Operation.SYNC)
    # The usual one is not worth what it takes to build such a statement.
    run_id = Subquery(pending.values("pk")[:1]) if len(runs) > 1 else next(iter(runs.values()), None)
    syncs.update(sync_status=Status.PENDING, last_sync_run_id=run_id)


def _schedule_next(syncs: list[DevinSync]) -> None:
    for sync in syncs:
        sync.next_reconcile_at = next_reconcile(sync)
    DevinSync.objects.bulk_update(syncs, ["next_reconcile_at"], batch_size=ROWS)


def _ring_on_commit(runs: list[SyncRun]) -> None:
    if len(runs) <= RUNG_AT_ONCE:
        for run in runs:
            ask.ring_on_commit(run.pk, run.sync.project_id if run.sync else None)
