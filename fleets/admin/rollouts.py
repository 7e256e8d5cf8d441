"""The rollout of a set: how far the last change has come, and a person's word on it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest

from fleets.choices import RolloutState, StepState
from fleets.models import Rollout, SyncSet
from fleets.waves import by_hand
from syncs.editing import Actor

# Of those that failed, as many are named.
MOST_NAMED = 10


class Say(Protocol):
    def __call__(self, each: SyncSet, rollout_id: UUID, /, *, by: Actor) -> Rollout: ...


@dataclass(frozen=True)
class Standing:
    """`steps` are its turns: whose, in which wave, how far; `counts` those of its organizations by that."""

    rollout: Rollout
    steps: list[tuple[UUID, int, str]]
    counts: Mapping[str, int]
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
    rollout = each.rollouts.order_by("-started_at").first()
    if rollout is None:
        return None
    told = list(rollout.steps.order_by().values_list("member_id", "wave", "state"))
    counts = Counter(state for _, _, state in told)
    failed = []
    if counts.get(StepState.FAILED):
        steps = rollout.steps.filter(state=StepState.FAILED).select_related("member__sync").order_by("wave", "pk")
        failed = [step.member for step in steps[:MOST_NAMED]]
    return Standing(rollout, told, counts, failed)


# What a person may say of a rollout, by the word in the address, with what comes of it.
WORDS: dict[str, tuple[Say, str]] = {
    "stop": (by_hand.stop, "The rollout has been stopped. What is under way stops before its next write."),
    "go-on": (by_hand.go_on, "The rollout goes on."),
    "end": (by_hand.end, "The rollout has been ended. To whom it has not come, only a further change does."),
}
ALL_NOW = "all-now"


def say(each: SyncSet, rollout_id: UUID, what: str, request: HttpRequest) -> str:
    """What has become of it, as a sentence. Raises NotRunnable."""
    by = Actor.in_admin(request.user)
    if what == ALL_NOW:
        by_hand.all_now(each, by=by)
        return "All that were still to come have their turn now."
    act, told = WORDS[what]
    act(each, rollout_id, by=by)
    return told
