"""How many organizations of sets stand how, and how their syncs do: one query for all sets of a page."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from django.db.models import Count
from pydantic import Field

from api.resources.base import Answer
from api.resources.syncs.schemas import track_status
from fleets.choices import State
from fleets.models import Member, SyncSet

NEVER = "never"


class Counted(Answer):
    @classmethod
    def of(cls, counter: Counter[str]) -> Self:
        return cls.model_validate({name: counter[name] for name in cls.model_fields})


class OrganizationCounts(Counted):
    """By their state."""

    total: int = Field(examples=[300])
    new: int = Field(examples=[0], description="Their syncs are still to be made.")
    waiting: int = Field(examples=[0], description="They wait for approval.")
    active: int = Field(examples=[300])
    skipped: int = Field(examples=[0], description="They have no folder of their own.")
    failed: int = Field(examples=[0], description="No sync could be made for them, for the reason that each tells.")
    left: int = Field(examples=[0], description="The set takes them no more.")


class SyncCounts(Counted):
    """By the last run of each; without those of organizations that left the set."""

    pending: int = Field(examples=[0])
    running: int = Field(examples=[0])
    succeeded: int = Field(examples=[300])
    failed: int = Field(examples=[0])
    never: int = Field(examples=[0], description="They have not run yet.")


@dataclass
class SetCounts:
    organizations: Counter[str] = field(default_factory=Counter)
    syncs: Counter[str] = field(default_factory=Counter)


def count_organizations(sets: Iterable[SyncSet]) -> Mapping[UUID, SetCounts]:
    """By the sets' ids."""
    found: dict[UUID, SetCounts] = defaultdict(SetCounts)
    rows = Member.objects.filter(set__in=[each.pk for each in sets]).order_by()
    grouped = rows.values_list("set", "state", "sync__sync_status")
    # Of a member without a sync, the status is null.
    for set_id, state, status, count in grouped.annotate(Count("pk")):
        counts = found[set_id]
        counts.organizations.update({state: count, "total": count})
        if status is not None and state != State.LEFT:
            counts.syncs[track_status(status) or NEVER] += count
    return found
