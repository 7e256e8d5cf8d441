"""`/api/v1/secret-syncs/devin-sets/{id}/rollouts`: how far a change has come, and a person's word on it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Self
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from api.auth.callers import Bearer, caller_of
from api.http.errors import NotFoundError
from api.http.queries import ListLimit, Offset, page_of
from api.resources import resource
from api.resources.base import EXAMPLE_ID, Answer, Timestamp, one_of, with_errors
from api.resources.reach import set_for
from api.resources.syncs.edits import actor_of
from fleets.choices import Cause, RolloutState, StepState
from fleets.models import Rollout, RolloutStep
from fleets.running import RUN
from fleets.waves import by_hand

router = resource("Sync sets")
VIEW = "syncs.view_devinsync"
Limit = Annotated[int, Query(20, ge=1, le=100)]


class RolloutCounts(Answer):
    """Of organizations, by what has become of their turn."""

    total: int = Field(examples=[40])
    waiting: int = Field(examples=[30])
    running: int = Field(examples=[10])
    done: int = Field(examples=[0])
    failed: int = Field(examples=[0])
    skipped: int = Field(examples=[0])


class RolloutOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    state: str = one_of(*RolloutState.values)
    cause: str = one_of(*Cause.values)
    wave: int = Field(examples=[1], description="The one whose turn it is, from 1.")
    waves: int = Field(examples=[4])
    reason: str | None = Field(examples=[None], description="Why it stopped or ended.")
    started_at: Timestamp
    ended_at: Timestamp | None = Field(examples=[None])
    counts: RolloutCounts

    @classmethod
    def of(cls, rollout: Rollout, counts: Counter[str]) -> Self:
        return cls(
            id=rollout.pk,
            state=rollout.state,
            cause=rollout.cause,
            wave=rollout.wave + 1,
            waves=rollout.waves,
            reason=rollout.reason or None,
            started_at=rollout.started_at,
            ended_at=rollout.ended_at,
            counts=RolloutCounts.model_validate({name: counts[name] for name in RolloutCounts.model_fields}),
        )


class OneRollout(Answer):
    rollout: RolloutOut


class ManyRollouts(Answer):
    rollouts: list[RolloutOut]


class RolloutTurn(Answer):
    """Of an organization, in one rollout."""

    org_id: str = Field(examples=["org-sandbox"])
    slug: str = Field(examples=["acme-corp"])
    wave: int = Field(examples=[2], description="From 1.")
    is_canary: bool
    state: str = one_of(*StepState.values)
    run_id: UUID | None = Field(examples=[EXAMPLE_ID], description="The run that is to bring the change, or was.")


class ManyTurns(Answer):
    turns: list[RolloutTurn]
    total_count: int = Field(examples=[300])


def count_steps(rollouts: Iterable[Rollout]) -> Mapping[UUID, Counter[str]]:
    """By the rollouts' ids."""
    found: dict[UUID, Counter[str]] = defaultdict(Counter)
    steps = RolloutStep.objects.filter(rollout__in=[rollout.pk for rollout in rollouts]).order_by()
    for rollout_id, state, count in steps.values_list("rollout", "state").annotate(Count("pk")):
        found[rollout_id].update({state: count, "total": count})
    return found


def told_of(rollouts: Iterable[Rollout]) -> list[RolloutOut]:
    rows = list(rollouts)
    counts = count_steps(rows)
    return [RolloutOut.of(rollout, counts[rollout.pk]) for rollout in rows]


def act_on(request: HttpRequest, set_id: UUID, rollout_id: UUID, act: Callable[..., Rollout]) -> OneRollout:
    caller = caller_of(request)
    each = set_for(caller, set_id, RUN)
    if not each.rollouts.filter(pk=rollout_id).exists():
        raise NotFoundError(f"The set {each.name} has no rollout with the ID {rollout_id}.")
    return OneRollout(rollout=told_of([act(each, rollout_id, by=actor_of(caller))])[0])


@router.get("/{set_id}/rollouts", auth=Bearer(VIEW, by_place=True), response=with_errors(ManyRollouts))
def list_rollouts_of_set(request: HttpRequest, set_id: UUID, limit: Limit, offset: Offset = 0) -> ManyRollouts:
    """The rollouts of a set that goes in waves, the newest first: no other can be open."""
    each = set_for(caller_of(request), set_id)
    return ManyRollouts(rollouts=told_of(page_of(each.rollouts.order_by("-started_at", "-pk"), limit, offset)))


@router.get(
    "/{set_id}/rollouts/{rollout_id}/organizations", auth=Bearer(VIEW, by_place=True), response=with_errors(ManyTurns)
)
def list_turns_of_rollout(
    request: HttpRequest, set_id: UUID, rollout_id: UUID, limit: ListLimit = None, offset: Offset = 0
) -> ManyTurns:
    """The organizations of a rollout, wave by wave: how far the turn of each is. All, or a page."""
    each = set_for(caller_of(request), set_id)
    steps = RolloutStep.objects.filter(rollout=rollout_id, rollout__set=each).select_related("member")
    if not (count := steps.count()) and not each.rollouts.filter(pk=rollout_id).exists():
        raise NotFoundError(f"The set {each.name} has no rollout with the ID {rollout_id}.")
    canaries = set(each.canaries.splitlines())
    turns = [
        RolloutTurn(
            org_id=step.member.org_id,
            slug=step.member.slug,
            wave=step.wave + 1,
            is_canary=step.member.org_id in canaries,
            state=step.state,
            run_id=step.run_id,
        )
        for step in page_of(steps.order_by("wave", "member__slug", "pk"), limit, offset)
    ]
    return ManyTurns(turns=turns, total_count=count)


@router.post("/{set_id}/rollouts/{rollout_id}/go-on", auth=Bearer(RUN, by_place=True), response=with_errors(OneRollout))
def go_on_with_rollout(request: HttpRequest, set_id: UUID, rollout_id: UUID) -> OneRollout:
    """Lets a stopped rollout go on to the next wave, whatever failed."""
    return act_on(request, set_id, rollout_id, by_hand.go_on)


@router.post("/{set_id}/rollouts/{rollout_id}/stop", auth=Bearer(RUN, by_place=True), response=with_errors(OneRollout))
def stop_rollout(request: HttpRequest, set_id: UUID, rollout_id: UUID) -> OneRollout:
    """Stops a rollout: what is under way stops before its next write. It can go on."""
    return act_on(request, set_id, rollout_id, by_hand.stop)


@router.post("/{set_id}/rollouts/{rollout_id}/end", auth=Bearer(RUN, by_place=True), response=with_errors(OneRollout))
def end_rollout(request: HttpRequest, set_id: UUID, rollout_id: UUID) -> OneRollout:
    """Ends a rollout for good: to whom it has not come, only a further change does."""
    return act_on(request, set_id, rollout_id, by_hand.end)


@router.post("/{set_id}/all-now", auth=Bearer(RUN, by_place=True), response=with_errors(OneRollout))
def send_to_all_now(request: HttpRequest, set_id: UUID) -> OneRollout:
    """Sends what is left of the open rollout to all at once or, where none is open, has all its syncs run."""
    caller = caller_of(request)
    rollout = by_hand.all_now(set_for(caller, set_id, RUN), by=actor_of(caller))
    return OneRollout(rollout=told_of([rollout])[0])
