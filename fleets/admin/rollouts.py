"""The rollout of a set: how far the last change has come, and a person's word on it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.urls import reverse

from fleets.choices import RolloutState, StepState
from fleets.models import Rollout, SyncSet
from fleets.waves import by_hand
from syncs.editing import Actor

# Of those that failed, as many are named.
MOST_NAMED = 10


class Say(Protocol):
    def __call__(self, each: SyncSet, rollout_id: UUID, /, *, by: Actor) -> Rollout: ...


@dataclass(frozen=True)
class Failed:
    """An organization in whose turn it failed."""

    slug: str
    sync_id: UUID | None
    reason: str

    def get_absolute_url(self) -> str:
        return reverse("admin:syncs_devinsync_change", args=[self.sync_id])


@dataclass(frozen=True)
class Standing:
    """`steps` are its turns: whose, in which wave, how far; `counts` those of its organizations by that."""

    rollout: Rollout
    steps: list[tuple[UUID, int, str]]
    counts: Mapping[str, int]
    failed: list[Failed]

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
            StepState.WAITING: "to come" if self.rollout.is_open else "not reached",
        }
        return ", ".join(f"{self.counts[state]:,} {word}" for state, word in words.items() if self.counts.get(state))


def standing_of(each: SyncSet) -> Standing | None:
    """Of the last rollout; None where there was none."""
    rollout = each.rollouts.order_by("-started_at").first()
    if rollout is None:
        return None
    # Why one failed comes in the same statement, as there are many things to ask on this page.
    reason = Case(When(state=StepState.FAILED, then="member__sync__last_sync_message"), default=Value(""))
    columns = ("member_id", "wave", "state", "member__slug", "member__sync_id", "reason")
    rows = list(rollout.steps.order_by("wave", "pk").annotate(reason=reason).values_list(*columns))
    failed = [Failed(slug, sync_id, why or "") for _, _, state, slug, sync_id, why in rows if state == StepState.FAILED]
    steps = [(member_id, wave, state) for member_id, wave, state, *_ in rows]
    return Standing(rollout, steps, Counter(state for _, _, state in steps), failed[:MOST_NAMED])


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
