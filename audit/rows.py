"""What stands in rows at this moment, as the log tells it: one statement, however many fields it takes."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Aggregate, CharField, F, OuterRef, Subquery, Value
from django.utils.text import Truncator

from audit.kinds import Kind

# Rows a statement: every database takes this many parameters.
FEW = 500
# Of one field; the row itself has all of it.
LONGEST = 1000
BETWEEN = "\x1f"


@dataclass(frozen=True)
class Seen:
    """A row: where it is, and its fields as text. What is hidden is here to be compared, and is written nowhere."""

    place: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)


class Joined(Aggregate):
    """The texts of a group, in any order."""

    function = "GROUP_CONCAT"
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)


def look_at(kind: Kind, ids: Iterable[str]) -> dict[str, Seen]:
    """By id, of those that are there."""
    wanted, found = list(dict.fromkeys(ids)), {}
    for start in range(0, len(wanted), FEW):
        for row in _rows(kind, wanted[start : start + FEW]):
            found[str(row["pk"])] = _seen(kind, row)
    return found


def _rows(kind: Kind, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    single = [*kind.fields.values(), *kind.versions.values(), *kind.hidden.values(), *kind.place.values()]
    taken: dict[str, Any] = {_alias(lookup): F(lookup) for lookup in single}
    taken |= {_alias(lookup): _joined(kind, lookup) for lookup in kind.many.values()}
    return kind.model._base_manager.filter(pk__in=ids).order_by().values("pk", **taken).iterator()


def _alias(lookup: str) -> str:
    # A model may have a field of that name.
    return f"of_{lookup}"


def _joined(kind: Kind, lookup: str) -> Subquery:
    rows = kind.model._base_manager.filter(pk=OuterRef("pk")).order_by().values("pk")
    return Subquery(rows.annotate(joined=Joined(F(lookup), Value(BETWEEN))).values("joined"))


def _seen(kind: Kind, row: Mapping[str, Any]) -> Seen:
    def at(lookup: str) -> Any:
        return row[_alias(lookup)]

    told = {words: as_text(at(lookup)) for words, lookup in kind.fields.items()}
    told |= {words: f"version {at(lookup)}" for words, lookup in kind.versions.items()}
    told |= {words: _list(sorted((at(lookup) or "").split(BETWEEN))) for words, lookup in kind.many.items()}
    place = {column: str(found) for column, lookup in kind.place.items() if (found := at(lookup)) not in (None, "")}
    return Seen(place, told, {words: str(at(lookup) or "") for words, lookup in kind.hidden.items()})


def as_text(value: Any) -> str:
    """For people; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _list(value)
    if isinstance(value, dict):
        return shortened(json.dumps(value, sort_keys=True, ensure_ascii=False)) if value else ""
    return shortened(str(value))


def _list(items: Iterable[Any]) -> str:
    return shortened(", ".join(map(str, items)))


def shortened(text: str) -> str:
    return Truncator(text).chars(LONGEST)
