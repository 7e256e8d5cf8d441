"""The turns of a rollout, as rows: who is released, what became of their runs, and what is taken back. All of it under
the locks of the set and of the rollout."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from common.rows import save_columns
from fleets.choices import Cause, StepState
from fleets.models import Rollout, RolloutStep, SyncSet
from fleets.waves.asking import OPEN
from fleets.waves.verdict import state_after
from syncs.choices import OPEN_STATUSES, AsksForWave, Operation, Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask_many import request_runs, start_now
from syncs.runs.cancelling import cancel
from syncs.runs.tracks import lock_sync

UNFINISHED = (StepState.WAITING, StepState.RUNNING, StepState.FAILED)


def release(rollout: Rollout) -> None:
    """Whose turn it is runs, or is left out where it may not run at all."""
    rows = rollout.steps.filter(state=StepState.WAITING, wave__lte=rollout.wave)
    due = list(rows.select_related("member"))
    if not due:
        return
    lock_sync(set_id=rollout.set_id)
    sync_ids = [step.member.sync_id for step in due if step.member.sync_id]
    run_ids = request_runs(sync_ids, trigger=Trigger.ROLLOUT, user=rollout.started_by)
    if rollout.cause == Cause.PERSON:
        start_now(sync_ids)
    runs = dict(SyncRun.objects.filter(pk__in=run_ids).values_list("sync_id", "pk"))
    DevinSync.objects.filter(pk__in=list(runs), asks_for_wave=AsksForWave.HELD).update(asks_for_wave=AsksForWave.NO)
    for step in due:
        step.run_id = runs.get(step.member.sync_id) if step.member.sync_id else None
        step.state = StepState.RUNNING if step.run_id else StepState.SKIPPED
    save_columns(due, ["run_id", "state"])


def hurry(rollout: Rollout) -> None:
    """Whose turn it is already and whose run waits for another attempt."""
    lock_sync(set_id=rollout.set_id)
    rows = rollout.steps.filter(state=StepState.RUNNING).exclude(member__sync=None)
    start_now(list(rows.values_list("member__sync_id", flat=True)))


def refresh(rollout: Rollout) -> None:
    """What has become of those under way."""
    steps = list(rollout.steps.filter(state=StepState.RUNNING).select_related("member__sync__project"))
    if not steps:
        return
    own, later = _runs_of(rollout, steps)
    before = {step.pk: (step.run_id, step.state) for step in steps}
    for step in steps:
        _settle(step, own.get(step.pk), later.get(step.pk))
    save_columns([step for step in steps if before[step.pk] != (step.run_id, step.state)], ["run_id", "state"])


def _runs_of(rollout: Rollout, steps: Collection[RolloutStep]) -> tuple[dict[int, SyncRun], dict[int, SyncRun]]:
    """By the steps their own runs, and the newest of those that may carry the change since."""
    run_ids = {step.run_id for step in steps}
    since = Q(queued_at__gte=rollout.started_at, is_released=True) & ~Q(trigger=Trigger.REPAIR)
    sync_ids = {step.member.sync_id for step in steps if step.member.sync_id}
    rows = SyncRun.objects.filter(Q(pk__in=run_ids) | Q(since, sync__in=sync_ids), operation=Operation.SYNC)
    runs = list(rows.only("sync_id", "status", "queued_at").order_by("queued_at"))
    by_id, by_sync = {run.pk: run for run in runs}, {run.sync_id: run for run in runs if run.sync_id}
    own = {step.pk: by_id[step.run_id] for step in steps if step.run_id in by_id}
    return own, {step.pk: by_sync[step.member.sync_id] for step in steps if step.member.sync_id in by_sync}


def _settle(step: RolloutStep, own: SyncRun | None, later: SyncRun | None) -> None:
    """A run that failed counts unless a later one has been asked for, which then does."""
    sync = step.member.sync
    if sync is None:
        step.state = StepState.SKIPPED
        return
    run = own if own is not None and own.status in (*OPEN_STATUSES, Status.SUCCEEDED) else later
    if run is None:
        # Nobody knows what became of it, so it gets its turn once more.
        step.run_id, step.state = None, StepState.WAITING
        return
    step.run_id, step.state = run.pk, state_after(run.status, is_live=sync.is_live)


def halt(rollout: Rollout, *, by: str) -> None:
    """Stops what is under way, whose turn is then still to come."""
    refresh(rollout)
    running = list(rollout.steps.filter(state=StepState.RUNNING))
    for step in running:
        if step.run_id:
            cancel(step.run_id, by=by)
        step.run_id, step.state = None, StepState.WAITING
    save_columns(running, ["run_id", "state"])


def leave_waves(each: SyncSet) -> None:
    """The syncs of a set go on without it; whose turn was still to come runs at once."""
    lock_sync(set_id=each.pk)
    syncs = DevinSync.objects.filter(set_id=each.pk)
    left = Q(member__steps__rollout__state__in=OPEN, member__steps__state__in=UNFINISHED)
    waiting = syncs.filter(~Q(asks_for_wave=AsksForWave.NO) | left, auto_sync_enabled=True)
    sync_ids = list(waiting.order_by().values_list("pk", flat=True).distinct())
    syncs.update(goes_in_waves=False, asks_for_wave=AsksForWave.NO)
    request_runs(sync_ids, trigger=Trigger.EDIT)


def take_back(rollout: Rollout, *, but_for: Collection[UUID], by: str) -> None:
    """What waits may carry no change any more, and what is under way stops, but for these members'."""
    steps = rollout.steps.filter(state=StepState.RUNNING).exclude(run_id=None)
    runs = dict(steps.values_list("run_id", "member_id"))
    SyncRun.objects.filter(pk__in=list(runs), status__in=OPEN_STATUSES).update(is_released=False)
    under_way = SyncRun.objects.filter(pk__in=list(runs), status=Status.RUNNING)
    for run_id in list(under_way.values_list("pk", flat=True)):
        if runs[run_id] not in but_for:
            cancel(run_id, by=by)
