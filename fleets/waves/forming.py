"""Which wave an organization of a set is in: in the open rollout, and in the next one if that began now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from fleets.choices import State, StepState
from fleets.models import Member, RolloutStep, SyncSet
from fleets.waves.asking import OPEN
from fleets.waves.order import waves_of
from syncs.models import DevinSync

CANARY = "Canary"
# A member's id, its wave from 0, and how far its turn is.
Step = tuple[UUID, int, str]


def in_waves(each: SyncSet, members: Collection[Member]) -> list[list[Member]]:
    """These members, by their waves: the canaries among them first, then the others by their slugs."""
    ordered = sorted(members, key=lambda member: member.slug)
    first = {member.pk for member in canaries_of(each, ordered)}
    canaries = [member for member in ordered if member.pk in first]
    others = [member for member in ordered if member.pk not in first]
    return waves_of(canaries, others, size=each.wave_size)


def canaries_of(each: SyncSet, members: Collection[Member]) -> list[Member]:
    first = set(each.canaries.split("\n"))
    return [member for member in members if member.org_id in first]


@dataclass(frozen=True)
class Turn:
    """Of an organization: its wave, from 1, and how far its turn in the open rollout is; both None where it has none.
    And its wave in a rollout to all that began now; None where it would be left out."""

    is_canary: bool
    wave: int | None = None
    state: StepState | None = None
    next_wave: int | None = None

    @property
    def told(self) -> str:
        """In the open rollout, or else in the next one; "" where it is in neither."""
        return self._name(self.wave or self.next_wave)

    @property
    def told_next(self) -> str:
        """Of the next one, where that is another."""
        return self._name(self.next_wave) if self.wave and self.next_wave != self.wave else ""

    def _name(self, wave: int | None) -> str:
        if wave is None:
            return ""
        return CANARY if self.is_canary and wave == 1 else f"Wave {wave}"


def open_steps(each: SyncSet) -> list[Step]:
    """Of the open rollout."""
    steps = RolloutStep.objects.filter(rollout__set=each, rollout__state__in=OPEN)
    return list(steps.order_by().values_list("member_id", "wave", "state"))


def turns_of(each: SyncSet, steps: Iterable[Step] | None = None) -> dict[UUID, Turn]:
    """By members; `steps` are those of the open rollout, where somebody has read them. Empty of a set that does not go
    in waves."""
    if not each.goes_in_waves:
        return {}
    now = {member_id: (wave, state) for member_id, wave, state in (open_steps(each) if steps is None else steps)}
    may_run = Exists(DevinSync.objects.live().filter(member=OuterRef("pk")).order_by())
    members = list(each.members.annotate(may_run=may_run).only("slug", "org_id", "set_id", "state").order_by("slug"))
    waves = in_waves(each, [member for member in members if member.state == State.ACTIVE and member.may_run])
    later = {member.pk: number for number, wave in enumerate(waves, start=1) for member in wave}
    canaries = {member.pk for member in canaries_of(each, members)}
    return {member.pk: _turn(member.pk in canaries, now.get(member.pk), later.get(member.pk)) for member in members}


def _turn(is_canary: bool, now: tuple[int, str] | None, later: int | None) -> Turn:
    if now is None:
        return Turn(is_canary, next_wave=later)
    return Turn(is_canary, now[0] + 1, StepState(now[1]), later)
