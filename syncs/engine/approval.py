"""APPROVAL: what of a plan another person has to approve, named so that no other plan passes for it. Pure.

A line names the value that is written by a digest of its fingerprint, so a plan with another value is another plan.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from syncs.choices import Approval
from syncs.engine.changes import Change, Create, Delete, HandOver, Plan, Rename, Replace

DOES: dict[type, str] = {
    Create: "create",
    Replace: "replace",
    Rename: "rename",
    HandOver: "hand over",
    Delete: "delete",
}
TAKE_OVER = "take over"
WRITES = frozenset({"create", "replace", "rename", TAKE_OVER})
SHOWN = 5


@dataclass(frozen=True)
class Line:
    """One thing that a plan does. `mark` names the value written, or who gets a secret that is handed over; `ids` are
    the secrets that go by it."""

    does: str
    key: str
    mark: str = ""
    ids: tuple[str, ...] = ()

    @classmethod
    def kept(cls, row: Iterable[Any]) -> Self:
        """From the row that `as_row` made."""
        does, key, mark, ids = row
        return cls(does, key, mark, tuple(ids))

    def as_row(self) -> list[Any]:
        return [self.does, self.key, self.mark, list(self.ids)]


def is_needed(policy: Approval, plan: Plan, *, taken: Collection[str] = ()) -> bool:
    """`taken` are keys that are to be taken over from another sync: it loses them, so that counts as deleting, as it
    does to hand over one's own."""
    if policy == Approval.WRITES:
        return bool(plan.changes or taken)
    return policy == Approval.DELETIONS and bool(plan.deletes or plan.renames or plan.hand_overs or taken)


def lines_of(plan: Plan, marks: Mapping[str, str], *, taken: Collection[str] = ()) -> list[Line]:
    """In an order of their own. `marks` names each key's value."""
    lines = [_line(change, marks) for change in plan.changes]
    lines += [Line(TAKE_OVER, key, marks.get(key, "")) for key in taken]
    return sorted(lines, key=Line.as_row)


def _line(change: Change, marks: Mapping[str, str]) -> Line:
    does, key = DOES[type(change)], change.destination_key
    if isinstance(change, Delete):
        return Line(does, key, ids=(change.secret_id,))
    if isinstance(change, HandOver):
        return Line(does, key, str(change.to_sync), (change.secret_id,))
    ids = () if isinstance(change, Create) else change.old_ids
    former = change.former_ids if isinstance(change, Rename) else ()
    return Line(does, key, marks.get(key, ""), tuple(sorted((*ids, *former))))


def mark_of(fingerprint: str, words: str) -> str:
    """Names a value and the words of its comment; tells nothing of either, as the fingerprint has a key."""
    return sha256(f"{fingerprint}\0{words}".encode()).hexdigest()


def digest_of(place: str, lines: Iterable[Line]) -> str:
    rows = [line.as_row() for line in lines]
    return sha256(json.dumps([place, rows]).encode()).hexdigest()


def beyond(
    plan: Plan, approved: Iterable[Line], marks: Mapping[str, str], *, taken: Collection[str] = ()
) -> list[Line]:
    """What a plan does that was not approved, once a run has begun with what was: the rest of it passes, in whatever
    form, with what the run itself has put there meanwhile."""
    lines = list(approved)
    written = {(line.key, line.mark) for line in lines if line.does in WRITES}
    gone = {secret_id for line in lines for secret_id in line.ids}
    same = set(lines)
    found = [(change, _line(change, marks)) for change in plan.changes]
    taking = [Line(TAKE_OVER, key, marks.get(key, "")) for key in taken]
    more = [line for change, line in found if line not in same and not _passes(change, line, written, gone)]
    return [*more, *(line for line in taking if line not in same)]


def _passes(change: Change, line: Line, written: Collection[tuple[str, str]], gone: Collection[str]) -> bool:
    is_ours = not getattr(change, "is_stranger", False)
    if isinstance(change, Delete):
        of_its_own = change.is_duplicate and is_ours and line.key in {key for key, _ in written}
        return change.secret_id in gone or of_its_own
    if isinstance(change, HandOver):
        return False
    former = set(change.former_ids) if isinstance(change, Rename) else set[str]()
    makes_room = not isinstance(change, Create) and not is_ours
    loses = set(line.ids) if makes_room else former
    return (line.key, line.mark) in written and loses.issubset(gone)


def difference(before: Iterable[Line], now: Iterable[Line]) -> str:
    """What another plan does beyond the one before, and what not any more; the first few of each."""
    old, new = set(before), set(now)
    more, less = sorted(new - old, key=Line.as_row), sorted(old - new, key=Line.as_row)
    told = {line.key for line in more}
    parts = [_some("now ", more), _some("no longer ", [line for line in less if line.key not in told])]
    return "; ".join(part for part in parts if part) or "it goes to another place"


def _some(word: str, lines: list[Line]) -> str:
    if not lines:
        return ""
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return word + ", ".join(f"{line.does} {line.key}" for line in lines[:SHOWN]) + more
