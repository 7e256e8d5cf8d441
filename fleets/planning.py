"""“Plan all”: what a run of each organization would do now, counted. Nothing is written to Devin.

A plan takes a list of the organization, so of hundreds none is drawn in a web request: the scheduler does it beside its
work, and goes on where it was broken off.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from common.companions import repeat
from connections.errors import ConnectionFailed
from encryption import DecryptionError
from fleets.choices import State
from fleets.models import Member, SyncSet
from syncs.access import place_of
from syncs.editing import Actor
from syncs.engine.preview import preview
from syncs.errors import SyncError
from syncs.places import JOINED

LOOK_EVERY = 2.0
# Of those whose secrets would go, as many are named.
MOST_NAMED = 20
PROBLEM, HELD = "problem", "held"


@transaction.atomic
def ask_for_plans(set_id: UUID, *, by: Actor) -> int:
    """How many organizations will be planned."""
    each = SyncSet.objects.with_source().select_for_update(of=("self",)).get(pk=set_id)
    by.demand("syncs.plan_devinsync", place_of(each))
    SyncSet.objects.filter(pk=set_id).update(plans_asked_at=timezone.now())
    by.note_changed(each, "Asked for the plans of all its organizations")
    return _planned(each).count()


def unplanned() -> QuerySet[Member]:
    is_older = Q(planned_at__isnull=True) | Q(planned_at__lt=F("set__plans_asked_at"))
    # Who came later is in no plan that was asked for before.
    was_there = Q(joined_at__lte=F("set__plans_asked_at"))
    rows = Member.objects.filter(is_older, was_there, state=State.ACTIVE, sync__isnull=False)
    return rows.order_by("set__plans_asked_at", "slug")


def plan_next() -> bool:
    """Plans one organization; False if none is to be planned."""
    joined = ("sync__connection", *(f"sync__{name}" for name in JOINED))
    member = unplanned().select_related(*joined).first()
    if member is None:
        return False
    rows = Member.objects.filter(pk=member.pk)
    # Before it, so that one that nothing can plan does not keep the others waiting.
    rows.update(planned={PROBLEM: "The plan was broken off. Ask for it again."}, planned_at=timezone.now())
    rows.update(planned=_plan(member))
    return True


def _plan(member: Member) -> dict[str, Any]:
    """Counts alone: keys are for the page of the sync, which asks who may see them."""
    assert member.sync is not None  # noqa: S101
    try:
        drawn = preview(member.sync)
    except (SyncError, ConnectionFailed, DecryptionError) as error:
        return {PROBLEM: str(error)[:500]}
    counted = drawn.plan.counts | {"refuse": len(drawn.plan.refusals)}
    counts: dict[str, Any] = {word: count for word, count in counted.items() if count and word != "keep"}
    return counts | ({HELD: True} if drawn.blocked is not None else {})


def beside_the_scheduler(stop: threading.Event) -> None:
    def plan_all() -> None:
        while not stop.is_set() and plan_next():
            pass

    repeat(stop, "plan the organizations of sync sets", plan_all, every=LOOK_EVERY)


@dataclass
class Summary:
    """What the runs of a set would do, as far as it is planned."""

    total: int = 0
    done: int = 0
    unchanged: int = 0
    changing: int = 0
    problems: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    # Whose secrets would go, or whose run would wait for a person, with the counts.
    grave: list[tuple[Member, str]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.done == self.total

    @property
    def told(self) -> str:
        return tell(self.counts)


WORDS = {
    "create": "to create",
    "replace": "to replace",
    "rename": "to rename",
    "hand_over": "to hand over",
    "delete": "to delete",
    "ask": "to ask about",
    "hold": "held for another sync",
    "refuse": "refused",
}


def tell(counts: Mapping[str, int]) -> str:
    """ "3 to create, 1 to delete" """
    return ", ".join(f"{counts[name]:,} {words}" for name, words in WORDS.items() if counts.get(name))


def summary_of(each: SyncSet) -> Summary | None:
    """None where nobody has asked."""
    if each.plans_asked_at is None:
        return None
    found = Summary()
    for member, is_done in _rows(each):
        found.total += 1
        if is_done:
            _add(found, member)
    return found


def _add(found: Summary, member: Member) -> None:
    found.done += 1
    planned = dict(member.planned or {})
    if PROBLEM in planned:
        found.problems += 1
        return
    is_held = planned.pop(HELD, False)
    found.counts.update(planned)
    found.changing += bool(planned)
    found.unchanged += not planned
    if (is_held or planned.get("delete")) and len(found.grave) < MOST_NAMED:
        found.grave.append((member, tell(planned)))


def _planned(each: SyncSet) -> QuerySet[Member]:
    return each.members.filter(state=State.ACTIVE, sync__isnull=False)


def _rows(each: SyncSet) -> Iterator[tuple[Member, bool]]:
    """With whether it is planned as it was asked for."""
    was_there = _planned(each).filter(joined_at__lte=each.plans_asked_at)
    for member in was_there.select_related("sync").order_by("slug"):
        asked_at, planned_at = each.plans_asked_at, member.planned_at
        yield member, asked_at is not None and planned_at is not None and planned_at >= asked_at
