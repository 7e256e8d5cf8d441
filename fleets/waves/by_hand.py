"""What a person says of the rollouts of a set: with the right to run its syncs, and with a line in the log."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from fleets.models import Rollout, SyncSet
from fleets.running import RUN
from fleets.waves import conductor
from syncs.access import place_of
from syncs.editing import Actor
from syncs.errors import NotRunnable


def go_on(each: SyncSet, rollout_id: UUID, *, by: Actor) -> Rollout:
    """A stopped one goes on, with whatever failed. Raises NotRunnable, as all of these."""
    return _do(each, rollout_id, conductor.go_on, "Let its rollout go on", by)


def stop(each: SyncSet, rollout_id: UUID, *, by: Actor) -> Rollout:
    """What is under way stops before its next write; it can go on."""
    return _do(each, rollout_id, lambda pk: conductor.stop(pk, by=_name_of(by)), "Stopped its rollout", by)


def end(each: SyncSet, rollout_id: UUID, *, by: Actor) -> Rollout:
    """For good: to whom it has not come, only a further change does."""
    return _do(each, rollout_id, lambda pk: conductor.end(pk, by=_name_of(by)), "Ended its rollout", by)


@transaction.atomic
def all_now(each: SyncSet, *, by: Actor) -> Rollout:
    """No wave waits for another: what is left of the open rollout goes out at once or, without one, all there is."""
    by.demand(RUN, place_of(each))
    rollout = conductor.all_now(each.pk, user=by.user)
    by.note_changed(each, "Sent a change to all organizations that it had not reached")
    return rollout


@transaction.atomic
def _do(each: SyncSet, rollout_id: UUID, act: Callable[[UUID], Rollout], told: str, by: Actor) -> Rollout:
    by.demand(RUN, place_of(each))
    if not each.rollouts.filter(pk=rollout_id).exists():
        raise NotRunnable("This set has no such rollout any more.")
    rollout = act(rollout_id)
    by.note_changed(each, told)
    return rollout


def _name_of(by: Actor) -> str:
    return by.user.get_username() if by.user is not None else "(command line)"
