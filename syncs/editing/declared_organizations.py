"""The organization of a sync, by its name in a document, instead of its id or beside it."""

from typing import Any

from django.core.exceptions import ValidationError

from connections.models import Connection
from syncs.editing.document import Entry
from syncs.organizations import known_names, require_id

ORGANIZATION = "organization"


def with_org_id(entry: Entry, connection: Connection | None) -> Entry:
    """The entry with the id in place of the name. Raises ValidationError.

    Of a connection that the document only makes no organization is known yet.
    """
    name = entry.get(ORGANIZATION)
    if name in (None, ""):
        return entry
    if not isinstance(name, str):
        raise ValidationError("this is no text; put it in quotes.")
    known = connection if connection is not None and not connection._state.adding else None
    org_id = require_id(known, name)
    if entry.get("org_id") not in (None, "", org_id):
        raise ValidationError(f"The organization of this name is {org_id}, which org_id contradicts. Keep one of them.")
    lines = {**entry.lines, "org_id": entry.line_of(ORGANIZATION)}
    return Entry({**entry, "org_id": org_id}, line=entry.line, lines=lines)


def with_names(document: dict[str, Any], text: str) -> str:
    """The document's text with each organization's name as a comment beside its id, where one is known."""
    names = known_names()
    told = (names.get((sync["connection"], sync["org_id"]), "") for sync in document["syncs"])
    lines = text.split("\n")
    for number, line in enumerate(lines):
        # Of all fields, only a sync's is spelled so at its depth: a text of several lines is indented further.
        if line.startswith("  org_id: ") and (name := next(told)):
            lines[number] = f"{line}  # {name}"
    return "\n".join(lines)
