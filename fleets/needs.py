"""What goes no further with a set without a person: one table for the overview, the list, notices and metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, TextChoices
from django.db.models.functions import Coalesce

from fleets.choices import RolloutState, State
from fleets.models import Member, Rollout, SyncSet


class Need(TextChoices):
    SOURCE = "source", "Source unreadable"
    STOPPED = "stopped", "Rollout stopped"
    NOT_MADE = "not_made", "Not made"
    APPROVAL = "approval", "To approve"


# How each looks.
TONES = {Need.SOURCE: "failed", Need.STOPPED: "blocked", Need.NOT_MADE: "failed", Need.APPROVAL: "blocked"}


@dataclass(frozen=True)
class Waiting:
    """What a set waits for, and why, as a sentence."""

    need: Need
    message: str


def with_needs(sets: QuerySet[SyncSet]) -> QuerySet[SyncSet]:
    """These sets, each with what `needs_of` asks of it."""
    stopped = Rollout.objects.filter(set=OuterRef("pk"), state=RolloutState.STOPPED)
    members = Member.objects.filter(set=OuterRef("pk"))
    failed = members.filter(state=State.FAILED).order_by("slug")
    return sets.annotate(
        stopped=Subquery(stopped.values("reason")[:1]),
        to_approve=_number_of(members.filter(state=State.WAITING)),
        not_made=_number_of(failed),
        why_not_made=Subquery(failed.values("message")[:1]),
    )


def needing_a_person() -> QuerySet[SyncSet]:
    """Enabled ones, by name. Of one that is being deleted nobody is asked any more."""
    some = ~Q(message="") | Q(stopped__isnull=False) | Q(not_made__gt=0) | Q(to_approve__gt=0)
    return with_needs(SyncSet.objects.all()).filter(some, is_enabled=True, is_ending=False).order_by("name")


def needs_of(each: Any) -> Iterator[Waiting]:
    """Of a row of `with_needs`, the gravest first."""
    if each.message:
        yield Waiting(Need.SOURCE, each.message)
    if each.stopped is not None:
        yield Waiting(Need.STOPPED, each.stopped)
    if count := each.not_made:
        which = "1 organization" if count == 1 else f"{count:,} organizations"
        yield Waiting(Need.NOT_MADE, f"{which} could not be made like the set. {each.why_not_made}")
    if count := each.to_approve:
        which = "1 new organization waits" if count == 1 else f"{count:,} new organizations wait"
        yield Waiting(Need.APPROVAL, f"{which} for approval on the set's page.")


def _number_of(members: QuerySet[Member]) -> Coalesce:
    return Coalesce(Subquery(members.order_by().values("set").annotate(number=Count("pk")).values("number")), 0)
