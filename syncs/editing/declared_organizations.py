"""The organization of a sync, by its name in a document, instead of its id or beside it."""

import re
from typing import Any

from django.core.exceptions import ValidationError

from common.patterns import ORG_ID
from connections.models import Connection
from syncs.editing.document import Entry
from syncs.organizations import known_names, require_id

ORGANIZATION = "organization"
# The line of a field, of an entry of a list, and of the first field of one.
NAMED = rf"  (?:org_id: |- |- org_id: )(?P<id>{ORG_ID})"


def with_org_id(entry: Entry, connection: Connection | None) -> Entry:
    """The entry with the id in place of the name. Raises ValidationError."""
    name = entry.get(ORGANIZATION)
    if name in (None, ""):
        return entry
    if not isinstance(name, str):
        raise ValidationError("this is no text; put it in quotes.")
    org_id = require_id(connection, name)
    if entry.get("org_id") not in (None, "", org_id):
        raise ValidationError(f"The organization of this name is {org_id}, which org_id contradicts. Keep one of them.")
    lines = {**entry.lines, "org_id": entry.line_of(ORGANIZATION)}
    return Entry({**entry, "org_id": org_id}, line=entry.line, lines=lines)


def with_names(document: dict[str, Any], text: str) -> str:
    """The document's text with each organization's name as a comment beside its id, where one is known."""
    names = known_names()
    section, number = "", -1
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line.endswith(":") and line[:1].isalpha():
            section, number = line[:-1], -1
        elif line.startswith("- "):
            number += 1
        # Of all fields, only organizations are spelled so at their depth: a text of several lines is indented further.
        elif (found := re.fullmatch(NAMED, line)) is not None:
            name = names.get((document[section][number].get("connection"), found["id"]))
            lines[place] = f"{line}  # {name}" if name else line
    return "\n".join(lines)
