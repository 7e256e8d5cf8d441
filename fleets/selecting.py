"""Which organizations a set takes. Pure.

A line names one organization by its id or its name, or several by a pattern of names: `acme-*`, in whatever case.
What looks like an id is an id alone: whoever names organizations must not say where an id leads.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from typing import Self

from common.patterns import ORG_ID
from fleets.choices import Selection
from syncs.errors import InvalidKeySchema

MOST_LINES = 1000
LONGEST_LINE = 255
LONGEST_TEXT = 100_000


@dataclass(frozen=True, order=True)
class Reached:
    """An organization that the connection reaches; its name is "" where only the id is known."""

    name: str
    org_id: str

    def __str__(self) -> str:
        return self.name or self.org_id


@dataclass(frozen=True)
class Lines:
    """Ids and patterns of names, of which an organization has to be one."""

    ids: frozenset[str]
    names: re.Pattern[str] | None

    @classmethod
    def of(cls, text: str) -> Self:
        lines = text.split("\n") if text else []
        names = [translate(line.casefold()) for line in lines if not is_id(line)]
        return cls(frozenset(filter(is_id, lines)), re.compile("|".join(names)) if names else None)

    def take(self, each: Reached) -> bool:
        by_name = self.names is not None and self.names.match(each.name.casefold()) is not None
        return each.org_id in self.ids or by_name


def is_id(line: str) -> bool:
    return re.fullmatch(ORG_ID, line) is not None


def normal_lines(text: str) -> str:
    """Each line once, trimmed, in their order. Raises InvalidKeySchema, which names the line."""
    if len(text) > LONGEST_TEXT:
        raise InvalidKeySchema(f"That is longer than {LONGEST_TEXT:,} characters. Use patterns such as acme-*.")
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if len(name := line.strip()) > LONGEST_LINE:
            raise InvalidKeySchema(f"Line {number} has more than {LONGEST_LINE} characters. Enter one a line.")
        if name:
            found.setdefault(name, number)
    if len(found) > MOST_LINES:
        raise InvalidKeySchema(f"Those are {len(found):,} lines; {MOST_LINES:,} are possible. Use patterns: acme-*.")
    return "\n".join(found)


def idle_lines(reached: Iterable[Reached], text: str) -> list[str]:
    """Those that none of these organizations is like."""
    known = list(reached)
    return [line for line in filter(None, text.split("\n")) if not any(map(Lines.of(line).take, known))]


def selector(selection: str, chosen: str, exceptions: str) -> Callable[[Reached], bool]:
    """Whether the set takes an organization."""
    these, but = Lines.of(chosen), Lines.of(exceptions)
    return lambda each: (selection == Selection.ALL or these.take(each)) and not but.take(each)


def select(reached: Iterable[Reached], selection: str, chosen: str, exceptions: str) -> list[Reached]:
    """Those that the set takes, by name. An id that is listed is taken also where the connection lists none."""
    known = list(reached)
    if not known and selection == Selection.LISTED:
        known = [Reached("", org_id) for org_id in Lines.of(chosen).ids]
    return sorted(filter(selector(selection, chosen, exceptions), known))
