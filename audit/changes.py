"""What became of a row's fields: each as (field, before, after), and as a line of the log keeps it."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audit.rows import Seen

SET, REPLACED, REMOVED = "set", "replaced", "removed"
NOTHING = Seen()


class Change(NamedTuple):
    """What a field held, as text; "" for nothing."""

    field: str
    before: str
    after: str


def compare(before: Seen | None, after: Seen | None) -> list[Change]:
    """Of a new row all that it has, of one that is gone all that it had."""
    old, new = before or NOTHING, after or NOTHING
    names = dict.fromkeys([*old.told, *new.told])
    told = [Change(name, old.told.get(name, ""), new.told.get(name, "")) for name in names]
    return [each for each in told if each.before != each.after] + _hidden(old, new)


def _hidden(old: Seen, new: Seen) -> list[Change]:
    found = []
    for name in dict.fromkeys([*old.hidden, *new.hidden]):
        before, after = old.hidden.get(name, ""), new.hidden.get(name, "")
        if before != after:
            word = REPLACED if before and after else SET if after else REMOVED
            found.append(Change(name, SET if before else "", word))
    return found


def as_json(changes: Iterable[Change]) -> str:
    """ "" for none, so that lines of which nothing is told stay short."""
    rows = [list(each) for each in changes]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def from_json(text: str) -> Sequence[Change]:
    return [Change(*each) for each in json.loads(text)] if text else []
