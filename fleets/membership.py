"""Which organizations a set has: those that it takes come in, those that it takes no more leave."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils import timezone

from fleets.choices import NewOrganizations, Selection, State
from fleets.models import Member, SyncSet
from fleets.selecting import Reached, idle_lines, select
from fleets.slugs import free_slug

ROWS = 500
MOST_NAMED = 10


@dataclass(frozen=True)
class Changed:
    """How many came in, came back and left."""

    new: int = 0
    back: int = 0
    left: int = 0

    def __bool__(self) -> bool:
        return bool(self.new or self.back or self.left)


def reached_by(each: SyncSet) -> list[Reached]:
    """The organizations that the set's connection reaches, as Devin last listed them."""
    rows = each.connection.organizations.filter(gone_at=None).order_by("first_seen_at", "org_id")
    return [Reached(name, org_id) for name, org_id in rows.values_list("name", "org_id")]


def taken_by(each: SyncSet) -> list[Reached]:
    """Those that the set takes, by name. The set need not be saved."""
    return select(reached_by(each), each.selection, each.chosen, each.exceptions)


def told_idle(each: SyncSet) -> list[str]:
    """Lines that no organization is like, as sentences: whoever mistypes a name leaves nobody out by it.

    Of a connection that lists none nobody can tell."""
    reached = reached_by(each)
    if not reached:
        return []
    texts = {"left out": each.exceptions}
    if each.selection != Selection.ALL:
        texts = {"taken": each.chosen} | texts
    found = {what: idle_lines(reached, text) for what, text in texts.items()}
    return [
        f"The connection lists no organization like {_some_of(lines)}, so none is {what} by that."
        for what, lines in found.items()
        if lines
    ]


def _some_of(lines: list[str]) -> str:
    told = ", ".join(f"“{line}”" for line in lines[:MOST_NAMED])
    return f"{told} and {len(lines) - MOST_NAMED:,} more" if len(lines) > MOST_NAMED else told


def bring_members(each: SyncSet, *, seen: bool) -> Changed:
    """Makes the members those that the set takes. Under the lock of its row.

    `seen`: a person has just looked at who is taken, so that nobody waits for approval.
    """
    taken = {reached.org_id: reached for reached in taken_by(each)}
    members = {member.org_id: member for member in each.members.all()}
    new = [reached for org_id, reached in taken.items() if org_id not in members]
    is_asked = each.new_organizations == NewOrganizations.ASK and not seen
    _add(each, new, {member.slug for member in members.values()}, State.WAITING if is_asked else State.NEW)
    back = [member for org_id, member in members.items() if org_id in taken and member.state == State.LEFT]
    left = [member for org_id, member in members.items() if org_id not in taken and member.state != State.LEFT]
    _move(back, State.NEW)
    _move(left, State.LEFT)
    return Changed(len(new), len(back), len(left))


def _add(each: SyncSet, new: Iterable[Reached], taken: Collection[str], state: State) -> None:
    slugs = set(taken)
    rows = []
    for reached in new:
        slug = free_slug(reached.name, reached.org_id, taken=slugs)
        slugs.add(slug)
        rows.append(Member(set=each, org_id=reached.org_id, slug=slug, state=state))
    Member.objects.bulk_create(rows, batch_size=ROWS)


def _move(members: Iterable[Member], state: State) -> None:
    rows, now = list(members), timezone.now()
    for member in rows:
        member.state, member.is_behind, member.message = state, True, ""
        member.left_at = now if state == State.LEFT else None
    Member.objects.bulk_update(rows, ["state", "is_behind", "message", "left_at"], batch_size=ROWS)
