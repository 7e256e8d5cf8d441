"""A `.env` as the vault takes it: each value with its references, and what of them is worth a look. Pure.

`${…}` is a reference unless the file had it in single quotes or behind a backslash; that text gets the vault's escape.
"""

import re
from dataclasses import dataclass, field

from common import dotenv
from common.dotenv import DOLLAR, LineError
from vault.limits import LONGEST_COMMENT
from vault.references import find_lookalikes, find_references

DOLLARS = re.compile(r"(?<![$\0])[$\0]++(?=\{)")
BARE_DOLLAR = re.compile(r"(?<![$\\])\$[A-Za-z_]")


@dataclass(frozen=True)
class Entry:
    """One secret as it would be stored; `notes` are sentences for a person. `text_notes` are those of them that hold
    whatever becomes of references."""

    key: str
    line: int
    last_line: int
    value: str = field(repr=False)
    comment: str = ""
    notes: tuple[str, ...] = ()
    text_notes: tuple[str, ...] = ()

    @property
    def shape(self) -> list[str]:
        """What may be said of a value that is not shown."""
        lines, size = self.value.count("\n") + 1, len(self.value)
        if not size:
            return ["empty"]
        counted = f"{size:,} character{'' if size == 1 else 's'}"
        return [f"{lines:,} lines", counted] if lines > 1 else [counted]


@dataclass(frozen=True)
class Parsed:
    """What could be read, by key, and what could not."""

    entries: dict[str, Entry]
    errors: list[LineError]

    @property
    def values(self) -> dict[str, str]:
        return {key: entry.value for key, entry in self.entries.items()}


def parse(text: str) -> Parsed:
    found = dotenv.parse(text)
    return Parsed({key: _as_entry(entry) for key, entry in found.entries.items()}, found.errors)


def _as_entry(found: dotenv.Entry) -> Entry:
    value = _in_the_vault(found.raw)
    comment, notes = found.comment, [*found.notes, *_describe_references(value, found.raw)]
    if len(comment) > LONGEST_COMMENT:
        comment = ""
        notes.append(f"The comment above it is longer than {LONGEST_COMMENT:,} characters and was left out.")
    return Entry(found.key, found.line, found.last_line, value, comment, tuple(notes), found.notes)


def _in_the_vault(raw: str) -> str:
    """The value that the vault expands to what is meant: of dollar signs directly before a brace, two stand for one."""

    def write(match: re.Match[str]) -> str:
        meant = match[0].rstrip("$")
        return "$" * (len(match[0]) + len(meant))

    return DOLLARS.sub(write, raw).replace(DOLLAR, "$")


def _describe_references(value: str, raw: str) -> list[str]:
    notes = []
    references = find_references(value)
    if sure := [str(reference) for reference in references if not reference.is_weak]:
        notes.append(f"Becomes a reference: {', '.join(sure)}.")
    if weak := [str(reference) for reference in references if reference.is_weak]:
        notes.append(f"Stays text, unless the folder has a key of just that name: {', '.join(weak)}.")
    if parts := find_lookalikes(value):
        notes.append(f"Looks like a reference, but is none and stays text: {', '.join(parts)}.")
    if any(DOLLAR in run for run in DOLLARS.findall(raw)):
        notes.append("${…} in it stays text, because of the single quotes or the backslash.")
    if BARE_DOLLAR.search(raw):
        notes.append("A $ before a name, without braces, is text. A reference is ${KEY}.")
    return notes
