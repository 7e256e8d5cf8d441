"""Tables as text for other programs, a line at a time, so that no length of them fills the memory."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet

# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Rows a statement: it ends soon, however slowly the other side reads.
CHUNK = 1000


class Echo:
    """A file for csv that hands each line back."""

    def write(self, line: str) -> str:
        return line


def harmless(value: object) -> str:
    """The text of a cell, with an apostrophe where a spreadsheet would calculate."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow([harmless(value) for value in row])


def json_list(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """One list of objects. Times as ISO 8601, whatever else JSON does not know as text."""
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(dict(zip(names, row, strict=True)), default=_plain)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def in_chunks(rows: QuerySet[Any], *, newest_by: str) -> Iterator[Any]:
    """Each row once, the newest first, a bounded statement at a time; what is added meanwhile is left out."""
    ordered, place = rows.order_by(f"-{newest_by}", "-pk"), None
    while True:
        chunk: list[Model] = list((ordered if place is None else ordered.filter(place))[:CHUNK])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        last = getattr(chunk[-1], newest_by)
        place = Q(**{f"{newest_by}__lt": last}) | Q(**{newest_by: last, "pk__lt": chunk[-1].pk})
