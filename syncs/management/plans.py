"""Plans as commands print them: keys and reasons, never values."""

from collections.abc import Iterator
from typing import Any

from syncs.authors import Authors
from syncs.editing.foreseen import Outlook
from syncs.engine.authors import subject_of
from syncs.engine.changes import Change, Create, Delete, HandOver, Rename, Replace
from syncs.engine.preview import Preview
from syncs.renames import told_rename

SIGNS: dict[type, str] = {
    Create: "+ create",
    Replace: "~ replace",
    Rename: "~ rename",
    HandOver: "> hand over",
    Delete: "- delete",
}


def lines_of(found: Preview) -> Iterator[str]:
    plan = found.plan
    yield from (_line(change, found.authors) for change in plan.changes)
    yield from (f"? asks about {asked.destination_key}  ({asked.reason})" for asked in plan.asked)
    yield from (f"! cannot delete {each.destination_key}  ({each.reason})" for each in plan.waiting)
    yield from (f"! holds {held.destination_key}  ({held.reason}: {held.by.problem})" for held in plan.held_back)
    yield from (f"! cannot write {refusal.destination_key}  ({refusal.reason})" for refusal in plan.refusals)
    yield from (f"Note: {warning}" for warning in plan.warnings)
    yield str(plan)
    if found.blocked is not None:
        yield f"A run would be blocked. {found.blocked.message}"


def _line(change: Change, authors: Authors | None) -> str:
    if isinstance(change, Rename):
        return f"{SIGNS[Rename]} {told_rename(change.former_keys, change.destination_key)}"
    about = subject_of(change)
    who = f"; {authors.of(about)}" if authors is not None and about else ""
    return f"{SIGNS[type(change)]} {change.destination_key}  ({change.reason}{who})"


def as_json(found: Preview) -> dict[str, Any]:
    plan = found.plan
    words: list[tuple[str, Any]] = [(SIGNS[type(change)][2:], change) for change in plan.changes]
    words += [("ask", each) for each in plan.asked] + [("cannot delete", each) for each in plan.waiting]
    words += [("hold", each) for each in plan.held_back]
    words += [("cannot write", each) for each in plan.refusals]
    return {
        "changes": [
            {"action": word, "destinationKey": change.destination_key, "reason": change.reason}
            | ({"formerKeys": list(change.former_keys)} if isinstance(change, Rename) else {})
            for word, change in words
        ],
        "counts": dict(plan.counts),
        "warnings": list(plan.warnings),
        "blocked": found.blocked.message if found.blocked else None,
    }


def lines_of_outlook(outlook: Outlook) -> Iterator[str]:
    yield from (str(each) for each in outlook.crossings)
    yield from (f"- delete {key}  (removed from the organization that is left)" for key in outlook.removed)
    if outlook.problem:
        yield f"! The plan could not be calculated. {outlook.problem}"
    elif outlook.preview is not None:
        yield from lines_of(outlook.preview)


def outlook_as_json(name: str, outlook: Outlook) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "crossings": [str(each) for each in outlook.crossings]}
    if outlook.removed:
        told["removed"] = list(outlook.removed)
    if outlook.problem:
        told["problem"] = outlook.problem
    return told | ({"plan": as_json(outlook.preview)} if outlook.preview is not None else {})
