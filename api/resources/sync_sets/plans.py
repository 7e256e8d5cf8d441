"""What the runs of a set would do, together: as far as the scheduler has drawn their plans."""

from typing import Self
from uuid import UUID

from pydantic import Field

from api.resources.base import EXAMPLE_ID, Answer, Timestamp
from fleets.models import Member, SyncSet
from fleets.planning import MOST_NAMED, Summary, summary_of


class SetPlanCounts(Answer):
    """Of secrets, in all organizations that are planned."""

    create: int = Field(examples=[3])
    replace: int = Field(examples=[0])
    rename: int = Field(examples=[0])
    hand_over: int = Field(examples=[0])
    delete: int = Field(examples=[3])
    ask: int = Field(examples=[0])
    hold: int = Field(examples=[0])
    refuse: int = Field(examples=[0])

    @classmethod
    def of(cls, found: Summary) -> Self:
        return cls.model_validate({name: found.counts[name] for name in cls.model_fields})


class GraveOrganization(Answer):
    """One whose secrets would go, or whose run would wait for a person."""

    org_id: str = Field(examples=["org-sandbox"])
    slug: str = Field(examples=["acme-corp"])
    sync_id: UUID | None = Field(examples=[EXAMPLE_ID])
    message: str = Field(examples=["3 to delete"])

    @classmethod
    def of(cls, member: Member, told: str) -> Self:
        return cls(org_id=member.org_id, slug=member.slug, sync_id=member.sync_id, message=told)


class SetPlan(Answer):
    """The plans of all its organizations, counted; key by key, the route of a sync's plan tells."""

    asked_at: Timestamp
    is_done: bool
    total: int = Field(examples=[40])
    planned: int = Field(examples=[40])
    unchanged: int = Field(examples=[38])
    changing: int = Field(examples=[2])
    problems: int = Field(examples=[0], description="They could not be planned.")
    counts: SetPlanCounts
    grave: list[GraveOrganization] = Field(description=f"{MOST_NAMED} at most, whose plans to look at before a run.")

    @classmethod
    def of(cls, each: SyncSet) -> Self | None:
        """None where nobody has asked."""
        found = summary_of(each)
        if found is None or each.plans_asked_at is None:
            return None
        return cls(
            asked_at=each.plans_asked_at,
            is_done=found.is_done,
            total=found.total,
            planned=found.done,
            unchanged=found.unchanged,
            changing=found.changing,
            problems=found.problems,
            counts=SetPlanCounts.of(found),
            grave=[GraveOrganization.of(member, told) for member, told in found.grave],
        )


class OneSetPlan(Answer):
    plan: SetPlan | None
