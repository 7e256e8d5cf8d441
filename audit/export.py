"""A line as it leaves this installation: in exports, and to where it is forwarded."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from audit.changes import from_json
from audit.models import Entry

EXPORTED = (
    "position",
    "at",
    "actor",
    "token",
    "action",
    "outcome",
    "lacking",
    "kind",
    "object_id",
    "name",
    "project",
    "environment",
    "path",
    "key",
    "run",
    "detail",
    "changes",
    "address",
    "request_id",
    "digest",
)


def rows_of(entries: QuerySet[Entry]) -> Iterator[dict[str, Any]]:
    """In their order, each with `changes` as a list of objects with `field`, `before` and `after`."""
    for row in entries.values(*EXPORTED).iterator(chunk_size=1000):
        yield {**row, "changes": [each._asdict() for each in from_json(row["changes"])]}


def as_cells(row: dict[str, Any]) -> Sequence[Any]:
    """For a table: the changes in one cell."""
    changes = "; ".join(f"{each['field']}: {each['before']} → {each['after']}" for each in row["changes"])
    return [changes if name == "changes" else row[name] for name in EXPORTED]
