"""The rollout of a set: how far the last change has come, and a person's word on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest

from fleets.choices import RolloutState, StepState
from fleets.models import Rollout, SyncSet
from fleets.waves import conductor
from syncs.editing import Actor

# Of those that failed, as many are named.
MOST_NAMED = 10


@dataclass(frozen=True)
class Standing:
    """`counts` are those of its organizations by how their turn stands."""

    rollout: Rollout
    counts: dict[str, int]
    failed: list[Any]

    @property
    def is_running(self) -> bool:
        return self.rollout.state == RolloutState.RUNNING

    @property
    def is_stopped(self) -> bool:
        return self.rollout.state == RolloutState.STOPPED

    @property
    def wave(self) -> int:
        """As people count."""
        return self.rollout.wave + 1

    @property
    def told(self) -> str:
        words = {
            StepState.DONE: "done",
            StepState.RUNNING: "under way",
            StepState.FAILED: "failed",
            StepState.SKIPPED: "skipped",
            StepState.WAITING: "to come",
        }
        return ", ".join(f"{self.counts[state]:,} {word}" for state, word in words.items() if self.counts.get(state))


def standing_of(each: SyncSet) -> Standing | None:
    """Of the last rollout; None where there was none."""
    rollout = each.rollouts.select_related("started_by").order_by("-started_at").first()
    if rollout is None:
        return None
    rows = rollout.steps.order_by().values_list("state").annotate(Count("pk"))
    counts = dict(rows)
    failed = []
    if counts.get(StepState.FAILED):
        steps = rollout.steps.filter(state=StepState.FAILED).select_related("member__sync").order_by("wave", "pk")
        failed = [step.member for step in steps[:MOST_NAMED]]
    return Standing(rollout, counts, failed)


def _stop(each: SyncSet, rollout_id: UUID, request: HttpRequest) -> str:
    conductor.stop(rollout_id, by=request.user.get_username())
    return "The rollout has been stopped. What is under way stops before its next write."


def _go_on(each: SyncSet, rollout_id: UUID, request: HttpRequest) -> str:
    conductor.go_on(rollout_id)
    return "The rollout goes on."


def _end(each: SyncSet, rollout_id: UUID, request: HttpRequest) -> str:
    conductor.end(rollout_id, by=request.user.get_username())
    return "The rollout has been ended. To whom it has not come, only a further change does."


def _all_now(each: SyncSet, rollout_id: UUID, request: HttpRequest) -> str:
    conductor.all_now(each.pk, user=request.user)
    return "All that were still to come have their turn now."


# What a person may say of a rollout, by the word in the address, with what the log calls it.
WORDS: dict[str, tuple[str, Callable[[SyncSet, UUID, HttpRequest], str]]] = {
    "stop": ("Stopped a rollout", _stop),
    "go-on": ("Let a rollout go on", _go_on),
    "end": ("Ended a rollout", _end),
    "all-now": ("Let a rollout come to all at once", _all_now),
}


def say(each: SyncSet, rollout_id: UUID, what: str, request: HttpRequest) -> str:
    """What has become of it, as a sentence. Raises NotRunnable."""
    noted, act = WORDS[what]
    told = act(each, rollout_id, request)
    Actor.in_admin(request.user).note_changed(each, noted)
    return told
