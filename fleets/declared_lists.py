"""What a document says of a set by lists: which organizations, and what holds for one of them alone."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError

from common.patterns import validate_org_id
from fleets.membership import taken_by
from fleets.models import Member, SyncSet
from syncs.editing.comparison import Comparing, fits, type_told
from syncs.editing.declaration_schema import entry_schema
from syncs.editing.declared_organizations import ORGANIZATION, with_org_id
from syncs.editing.document import Entry, Fault

LISTS = ("chosen", "exceptions", "canaries")
OVERRIDES = "overrides"
ORG_ID = "org_id"
OF_ONE = (ORGANIZATION, ORG_ID, *Member.OVERRIDABLE)
# By the ids of organizations.
Overrides = dict[str, dict[str, Any]]


def overrides_schema() -> dict[str, Any]:
    return {
        "type": ["array", "null"],
        "items": entry_schema(SyncSet, OF_ONE, required=[]),
        "description": "What holds for one organization alone. Left out, it stays as it is; an empty list ends all.",
    }


def with_lines(entry: Entry, comparing: Comparing) -> Entry | None:
    """The entry with the text that a column holds in place of each list; None if one is no list of texts."""
    texts: dict[str, Any] = {}
    for name in LISTS:
        listed = entry.get(name)
        if listed is None:
            continue
        if not isinstance(listed, list) or not all(isinstance(each, str) and _is_line(each) for each in listed):
            told = f"The sync set {entry['name']} cannot be as it says. {name} is no list of texts; put each in quotes."
            comparing.blame(told, entry.line_of(name))
            return None
        texts[name] = "\n".join(listed)
    return Entry({**entry, **texts}, line=entry.line, lines=entry.lines)


def _is_line(text: str) -> bool:
    return len(text.splitlines()) == 1


def told_overrides(said: Overrides) -> dict[str, Any]:
    """Nothing where nothing is said of any organization alone."""
    told = [
        {ORG_ID: org_id} | {name: said[org_id][name] for name in Member.OVERRIDABLE if name in said[org_id]}
        for org_id in sorted(said)
    ]
    return {OVERRIDES: told} if told else {}


def names_organizations(entry: Entry) -> bool:
    """Whether something is said of one by what it is called."""
    listed = entry.get(OVERRIDES)
    return isinstance(listed, list) and any(isinstance(each, dict) and each.get(ORGANIZATION) for each in listed)


def take_overrides(entry: Entry, row: SyncSet, now: Overrides, comparing: Comparing) -> Overrides:
    """What is to hold; as it is where the entry says nothing, and for organizations that the set does not take."""
    listed = entry.get(OVERRIDES)
    if listed is None:
        return now
    if not isinstance(listed, list):
        comparing.blame(f"“{OVERRIDES}” of the sync set {entry['name']} is no list.", entry.line_of(OVERRIDES))
        return now
    reached = {each.org_id for each in taken_by(row)}
    wanted: Overrides = {}
    for org_id, said, line in _said_in(listed, entry, row, comparing):
        if org_id not in reached and org_id not in now:
            told = (
                f"The sync set {row.name} takes no organization {org_id} now, so what is said of it alone is left out."
            )
            comparing.warnings.append(Fault(f"{told} Apply again once it does.", line))
        elif org_id in wanted:
            comparing.blame(f"The {OVERRIDES} of {row.name} name {org_id} twice. Keep one of them.", line)
        elif said:
            wanted[org_id] = said
    return wanted


def _said_in(
    listed: list[Any], entry: Entry, row: SyncSet, comparing: Comparing
) -> Iterator[tuple[str, dict[str, Any], int]]:
    for found in listed:
        each = comparing.entry(found, f"One of the {OVERRIDES}", OF_ONE, line=entry.line_of(OVERRIDES))
        if each is None:
            continue
        try:
            named = with_org_id(each, row.connection)
            validate_org_id(str(named.get(ORG_ID) or ""))
        except ValidationError as error:
            told = f"The {OVERRIDES} of the sync set {entry['name']} name no organization. {error.messages[0]}"
            comparing.blame(told, each.line_of(ORGANIZATION if ORGANIZATION in each else ORG_ID))
            continue
        yield named[ORG_ID], _limits(each, entry, comparing), each.line


def _limits(each: Entry, entry: Entry, comparing: Comparing) -> dict[str, Any]:
    """What is said otherwise than by the set. That an organization is enabled is as the set says: it can only pause."""
    said: dict[str, Any] = {}
    for name in Member.OVERRIDABLE:
        value = each.get(name)
        if value is None or (name == "is_enabled" and value is True):
            continue
        problem = _problem_of(name, value)
        if problem:
            told = f"The {OVERRIDES} of the sync set {entry['name']} cannot be as they say. {name}: {problem}"
            comparing.blame(told, each.line_of(name))
        said[name] = value
    return said


def _problem_of(name: str, value: Any) -> str:
    column = SyncSet(**{name: value}) if fits(SyncSet(), name, value) else None
    if column is None:
        return f"This is no {type_told(SyncSet(), name)}."
    try:
        column.clean_fields(exclude={field.name for field in SyncSet._meta.fields} - {name})
    except ValidationError as error:
        return error.messages[0]
    return ""
