"""Leads rollouts: begins one where syncs of a set ask for their turn, and gives each wave its turn once the one before
has ended well.

Each step is one transaction under the lock of the set, then of its rollout, then of its syncs by their ids, so that a
process that dies leaves nothing half done, and two conduct like one. Whoever calls holds none of these locks.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from fleets.choices import Cause, RolloutState, StepState
from fleets.models import Member, Rollout, RolloutStep, SyncSet
from fleets.waves.asking import Answer, Step, answer
from fleets.waves.forming import canaries_of, in_waves
from fleets.waves.steps import UNFINISHED, halt, hurry, refresh, release, take_back
from fleets.waves.verdict import Verdict, judge
from syncs.choices import AsksForWave, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync
from syncs.runs.ask_many import request_runs
from syncs.runs.tracks import lock_sync

ROWS = 500


def attend(sync_ids: Collection[UUID], *, user: Any = None) -> None:
    """Some of these syncs ask for their turn, or a run of one has ended."""
    rows = DevinSync.objects.filter(pk__in=list(sync_ids)).exclude(set_id=None)
    for set_id in sorted({found for found in rows.order_by().values_list("set_id", flat=True) if found}):
        tend(set_id, user=user)


@transaction.atomic
def tend(set_id: UUID, *, user: Any = None) -> None:
    """Does what is to be done for a set now: nothing, most of the time."""
    each = _locked(set_id)
    if each is None or each.is_ending:
        return
    rollout = _last_of(each)
    if _asking(each):
        if each.members.filter(is_behind=True).exists():
            # Its syncs are still being changed: all of that is one rollout.
            return
        lock_sync(set_id=each.pk)
        rollout = _answer(each, rollout, user)
    if rollout is not None and rollout.is_open:
        _advance(each, rollout)


@transaction.atomic
def begin(each: SyncSet, members: Collection[Member], *, cause: Cause = Cause.PERSON, user: Any = None) -> Rollout:
    """A rollout to these organizations of a set, and to those that the last one has not reached. Raises NotRunnable."""
    return _begin_locked(each.pk, members, cause, user)


@transaction.atomic
def all_now(set_id: UUID, *, user: Any = None) -> Rollout:
    """No wave waits for another: whatever is left of the open rollout goes out at once, or else all there is."""
    each = _locked_or_refuse(set_id)
    rollout = _last_of(each)
    if rollout is None or not rollout.is_open:
        members = list(each.members.filter(sync__in=DevinSync.objects.live().filter(set_id=each.pk)))
        return _begin_locked(each.pk, members, Cause.PERSON, user, at_once=True)
    _join_waves(rollout)
    _advance(each, rollout)
    hurry(rollout)
    return rollout


@transaction.atomic
def go_on(rollout_id: UUID) -> Rollout:
    """A person lets a stopped rollout go on, with whatever failed. Raises NotRunnable."""
    each, rollout = _locked_rollout(rollout_id, RolloutState.STOPPED)
    rollout.state, rollout.reason = RolloutState.RUNNING, ""
    is_cut = rollout.steps.filter(state=StepState.WAITING, wave__lte=rollout.wave).exists()
    if not is_cut and rollout.wave + 1 < rollout.waves:
        rollout.wave += 1
    rollout.save(update_fields=["state", "reason", "wave"])
    _advance(each, rollout)
    return rollout


@transaction.atomic
def stop(rollout_id: UUID, *, by: str) -> Rollout:
    """A person stops a rollout; what is under way stops before its next write. It can go on. Raises NotRunnable."""
    _, rollout = _locked_rollout(rollout_id, RolloutState.RUNNING)
    halt(rollout, by=by)
    rollout.state, rollout.reason = RolloutState.STOPPED, f"Stopped by {by}."[:1024]
    rollout.save(update_fields=["state", "reason"])
    return rollout


@transaction.atomic
def end(rollout_id: UUID, *, by: str) -> Rollout:
    """A person ends a rollout for good: to whom it has not come, only a further change does. Raises NotRunnable."""
    _, rollout = _locked_rollout(rollout_id, RolloutState.RUNNING, RolloutState.STOPPED)
    halt(rollout, by=by)
    left = rollout.steps.filter(state=StepState.WAITING).count()
    _close(rollout, RolloutState.ENDED, f"Ended by {by}. It has not come to {left} of {rollout.steps.count()}.")
    return rollout


# Locks, in their order


def _locked(set_id: UUID) -> SyncSet | None:
    return SyncSet.objects.select_for_update(of=("self",)).filter(pk=set_id).first()


def _locked_or_refuse(set_id: UUID) -> SyncSet:
    each = _locked(set_id)
    if each is None or each.is_ending:
        raise NotRunnable("This sync set has been deleted meanwhile.")
    return each


def _last_of(each: SyncSet) -> Rollout | None:
    return each.rollouts.select_for_update(of=("self",)).order_by("-started_at").first()


def _locked_rollout(rollout_id: UUID, *states: RolloutState) -> tuple[SyncSet, Rollout]:
    set_id = Rollout.objects.filter(pk=rollout_id).values_list("set_id", flat=True).first()
    if set_id is None:
        raise NotRunnable("This rollout has been deleted meanwhile.")
    each = _locked_or_refuse(set_id)
    rollout = each.rollouts.select_for_update(of=("self",)).get(pk=rollout_id)
    if rollout.state not in states:
        raise NotRunnable(f"This rollout is {rollout.get_state_display().lower()} by now. Look at it again.")
    lock_sync(set_id=each.pk)
    return each, rollout


# Beginning


def _asking(each: SyncSet) -> dict[UUID, str]:
    rows = DevinSync.objects.filter(set_id=each.pk).exclude(asks_for_wave=AsksForWave.NO)
    return dict(rows.values_list("pk", "asks_for_wave"))


def _answer(each: SyncSet, rollout: Rollout | None, user: Any) -> Rollout | None:
    """Under the locks of the set's syncs. The rollout that is the last one then."""
    asking, steps = _asking(each), dict[UUID, Step]()
    if rollout is not None:
        refresh(rollout)
        rows = rollout.steps.exclude(member__sync=None).values_list("member__sync_id", "state", "wave")
        steps = {sync_id: Step(state, wave) for sync_id, state, wave in rows}
    found = answer(asking, steps, last=rollout.state if rollout else "")
    DevinSync.objects.filter(pk__in=list(asking)).update(asks_for_wave=AsksForWave.NO)
    if rollout is not None and found.again:
        _try_again(rollout, found.again)
    members = _who(each, found)
    if not members:
        return rollout
    cause = Cause.CHANGE if found.reached else Cause.FOUND
    return _begin(each, rollout, members, cause, user)


def _who(each: SyncSet, found: Answer[UUID]) -> list[Member]:
    if not found.begins:
        return []
    by_themselves = DevinSync.objects.live().filter(set_id=each.pk, auto_sync_enabled=True)
    members = list(each.members.filter(sync__in=by_themselves))
    if found.takes_all:
        return members
    chosen = found.reached | found.behind
    canaries = {member.pk for member in canaries_of(each, members)} if found.behind else set()
    return [member for member in members if member.sync_id in chosen or member.pk in canaries]


def _try_again(rollout: Rollout, sync_ids: Collection[UUID]) -> None:
    if rollout.is_open:
        rollout.steps.filter(member__sync__in=list(sync_ids)).update(state=StepState.WAITING)
        release(rollout)
    else:
        request_runs(sync_ids, trigger=Trigger.ROLLOUT)


def _begin_locked(
    set_id: UUID, members: Collection[Member], cause: Cause, user: Any, *, at_once: bool = False
) -> Rollout:
    each = _locked_or_refuse(set_id)
    rollout = _last_of(each)
    lock_sync(set_id=each.pk)
    if not members:
        raise NotRunnable("No organization of this set has a sync that may run.")
    begun = _begin(each, rollout, members, cause, user, at_once=at_once)
    _advance(each, begun)
    return begun


def _begin(
    each: SyncSet,
    last: Rollout | None,
    members: Collection[Member],
    cause: Cause,
    user: Any,
    *,
    at_once: bool = False,
) -> Rollout:
    """Under all locks. The last one, if it was not done, goes on in this one."""
    chosen = {member.pk: member for member in members} | _left_of(each, last)
    waves = [list(chosen.values())] if at_once else in_waves(each, list(chosen.values()))
    if last is not None and last.is_open:
        take_back(last, but_for={member.pk for member in waves[0]}, by=f"a newer rollout of {each.name}")
        _close(last, RolloutState.SUPERSEDED, "Another change came before it was done.")
    rollout = Rollout.objects.create(set=each, cause=cause, waves=len(waves), started_by=_person(user))
    steps = [
        RolloutStep(rollout=rollout, member=member, wave=number) for number, wave in enumerate(waves) for member in wave
    ]
    RolloutStep.objects.bulk_create(steps, batch_size=ROWS)
    sync_ids = [member.sync_id for member in chosen.values() if member.sync_id]
    DevinSync.objects.filter(pk__in=sync_ids).update(asks_for_wave=AsksForWave.NO)
    return rollout


def _left_of(each: SyncSet, last: Rollout | None) -> dict[UUID, Member]:
    if last is None or last.state in (RolloutState.DONE, RolloutState.SUPERSEDED):
        return {}
    left = each.members.filter(steps__rollout=last, steps__state__in=UNFINISHED).exclude(sync=None)
    return {member.pk: member for member in left}


def _person(user: Any) -> Any:
    return user if user is not None and user.is_authenticated else None


# Going on


def _advance(each: SyncSet, rollout: Rollout) -> None:
    """As far as it goes now: one wave after another, where there is nothing to do for a whole wave."""
    refresh(rollout)
    if not each.goes_in_waves and rollout.waves > rollout.wave + 1:
        _join_waves(rollout)
    while rollout.state == RolloutState.RUNNING:
        release(rollout)
        states = list(rollout.steps.filter(wave=rollout.wave).order_by().values_list("state", flat=True))
        is_last = rollout.wave + 1 >= rollout.waves
        verdict = judge(states, max_failures=each.max_failures, is_last=is_last)
        if verdict is Verdict.WAIT:
            return
        if verdict is Verdict.GO_ON:
            rollout.wave += 1
            rollout.save(update_fields=["wave"])
        elif verdict is Verdict.STOP:
            rollout.state, rollout.reason = RolloutState.STOPPED, _why_stopped(rollout, states, each.max_failures)
            rollout.save(update_fields=["state", "reason"])
        else:
            failed = rollout.steps.filter(state=StepState.FAILED).count()
            _close(rollout, RolloutState.DONE, f"{failed} failed." if failed else "")


def _why_stopped(rollout: Rollout, states: Collection[str], most: int) -> str:
    failed = sum(1 for state in states if state == StepState.FAILED)
    allowed = "none may" if most == 0 else f"{most} may"
    left = rollout.steps.filter(state=StepState.WAITING).count()
    return (
        f"{failed} of {len(states)} failed or were blocked in wave {rollout.wave + 1} of {rollout.waves}, and "
        f"{allowed}. It has not come to {left}: mend what failed, then let it go on, or end it."
    )


def _join_waves(rollout: Rollout) -> None:
    rollout.steps.filter(state__in=(StepState.WAITING, StepState.FAILED)).update(
        state=StepState.WAITING, wave=rollout.wave
    )
    rollout.state, rollout.reason, rollout.waves = RolloutState.RUNNING, "", rollout.wave + 1
    rollout.save(update_fields=["state", "reason", "waves"])


def _close(rollout: Rollout, state: RolloutState, reason: str) -> None:
    rollout.state, rollout.reason, rollout.ended_at = state, reason[:1024], timezone.now()
    rollout.save(update_fields=["state", "reason", "ended_at"])
