"""A run is asked for: a new row, or one more trigger for the row that waits. One short transaction."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from audit.before import tell_run
from common import clock
from common.request_ids import current_request_id
from syncs.choices import Operation, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs.queue import noting_nothing, ring
from syncs.runs.tracks import lock_sync, show_queued
from syncs.runs.wishes import NO_WISHES, Wishes

# A person, or a script of theirs, is waiting for these.
ASKED_FOR = frozenset({Trigger.MANUAL, Trigger.API, Trigger.COMMAND, Trigger.WIZARD})
# Who asks by these wants the changes of just this sync now, and not in its turn of the waves.
RELEASING = ASKED_FOR | {Trigger.APPROVAL, Trigger.ROLLOUT}
# Not the last of a burst, and what it brings may be out of date.
AT_ONCE = frozenset({Trigger.HAND_OVER, Trigger.SOURCE_BACK, Trigger.APPROVAL})


@transaction.atomic
def request_run(
    sync: DevinSync,
    *,
    trigger: Trigger,
    operation: Operation = Operation.SYNC,
    user: AbstractBaseUser | AnonymousUser | None = None,
    wishes: Wishes = NO_WISHES,
) -> SyncRun:
    """The pending run that answers this trigger: a new one, or the one that already waits.

    Called inside the transaction of the change that it answers, it is durable exactly if the change is; the line of
    the log that tells of that change names it. Raises NotRunnable.
    """
    if sync.goes_in_waves and trigger in RELEASING:
        wishes = replace(wishes, is_released=True)
    run = _pending_or_new(sync, trigger, operation, user, wishes)
    tell_run(sync, run.pk)
    return run


def _pending_or_new(sync: DevinSync, trigger: Trigger, operation: Operation, user: Any, wishes: Wishes) -> SyncRun:
    _check_runnable(sync, operation, trigger)
    lock_sync(pk=sync.pk)
    while True:
        pending = SyncRun.objects.pending().filter(sync=sync, operation=operation).select_for_update().first()
        if pending is not None:
            _join(pending, sync, trigger, user, wishes)
            return pending
        run = _new_run(sync, trigger, operation, user, wishes)
        # Another process may have made one since; then the database keeps this out, and we join that one.
        SyncRun.objects.bulk_create([run], ignore_conflicts=True)
        if SyncRun.objects.filter(pk=run.pk).exists():
            show_queued(sync, run)
            if run.not_before is None:
                ring_on_commit(run.pk, sync.project_id)
            return run


def _check_runnable(sync: DevinSync, operation: Operation, trigger: Trigger) -> None:
    if operation == Operation.REMOVE:
        return
    if not sync.is_enabled:
        raise NotRunnable(f"The sync “{sync.name}” is disabled. Enable it, then sync again.")
    # A missing secret's value is sealed in the database: it comes back without the source.
    if not sync.has_source and trigger != Trigger.REPAIR:
        raise NotRunnable(
            f"The source folder {sync.source_label} of “{sync.name}” no longer exists. Choose another one."
        )


def _new_run(sync: DevinSync, trigger: Trigger, operation: Operation, user: Any, wishes: Wishes) -> SyncRun:
    now = clock.now()
    was_busy = SyncRun.objects.filter(
        sync=sync, operation=operation, started_at__gt=now - settings.SYNC_QUIET_TIME
    ).exists()
    connection_id, org_id = wishes.place_for(sync)
    place = {"connection_id": connection_id, "org_id": org_id}
    return SyncRun(
        **(wishes.said() | place),
        sync=sync,
        sync_name=sync.name,
        operation=operation,
        trigger=trigger,
        requested_by=_person(user),
        askers=with_asker(None, user),
        request_id=current_request_id(),
        queued_at=now,
        not_before=now + settings.SYNC_QUIET_TIME if was_busy and trigger not in AT_ONCE else None,
    )


def _person(user: Any) -> Any:
    return user if user is not None and user.is_authenticated else None


def with_asker(askers: list[int] | None, user: Any) -> list[int]:
    """Whose run it is, with one more who asks for it."""
    known, person = askers or [], _person(user)
    return known if person is None or person.pk in known else [*known, person.pk]


def _join(pending: SyncRun, sync: DevinSync, trigger: Trigger, user: Any, wishes: Wishes) -> None:
    """One more trigger for a run that waits. Those that arrive in a burst move its start, but only so far."""
    # A sync's run follows the sync to wherever it points by then; a removal stays where it was asked for.
    goes_elsewhere = wishes.place_for(sync) != (pending.connection_id, pending.org_id)
    if pending.operation == Operation.REMOVE and goes_elsewhere:
        raise NotRunnable(f"A removal from {pending.org_id} is still queued. Wait for it, then try again.")
    pending.trigger_count += 1
    pending.askers = with_asker(pending.askers, user)
    # Whoever asks now wants what somebody else has cancelled.
    pending.is_quiet, pending.stopped_by = False, ""
    takes_over = pending.takes_over and not wishes.takes_over
    said = wishes.said()
    for name, value in said.items():
        setattr(pending, name, value)
    if trigger in ASKED_FOR and (said or pending.trigger not in ASKED_FOR) and not takes_over:
        # Whose word it was is on record, and by whose rights it takes what another sync holds.
        pending.trigger, pending.requested_by = trigger, _person(user)
    move_start(pending, clock.now())
    if trigger in AT_ONCE or (pending.attempt > 0 and trigger in ASKED_FOR):
        pending.not_before = None
        ring_on_commit(pending.pk, sync.project_id)
    pending.save()


def move_start(pending: SyncRun, now: datetime) -> None:
    if pending.attempt == 0 and pending.not_before is not None:
        latest = pending.queued_at + settings.SYNC_LONGEST_WAIT
        pending.not_before = min(latest, now + settings.SYNC_QUIET_TIME)


def ring_on_commit(run_id: UUID, project_id: UUID | None) -> None:
    # Not a partial: Django cannot name one in its log, and what should be robust would fail at that.
    def tell_the_queue() -> None:
        with noting_nothing():
            ring(run_id, project_id)

    transaction.on_commit(tell_the_queue, robust=True)
