"""What an edit changes in a sync, for a person to read; and what of it crosses over, a line of its own each."""

from collections.abc import Iterator
from dataclasses import dataclass

from syncs.editing.change import EDITABLE
from syncs.models import DevinSync
from syncs.words import label_of, told

NOTHING = {"key_schema": "none, keys as they are", "only_keys": "all keys", "only_tags": "any tags or none"}


@dataclass(frozen=True)
class Crossing:
    """Another place for values to come from or to go to: the right values may reach the wrong people by it."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"The {self.what} changes from {self.before} to {self.after}."


@dataclass(frozen=True)
class Changed:
    label: str
    before: str
    after: str


def crossings(before: DevinSync, after: DevinSync) -> list[Crossing]:
    each = (
        Crossing("project", before.project.name, after.project.name),
        Crossing("environment", before.environment_slug, after.environment_slug),
        Crossing("connection", before.connection.name, after.connection.name),
        Crossing("address", before.connection.where, after.connection.where),
        Crossing("organization", before.org_id, after.org_id),
    )
    return [crossing for crossing in each if crossing.before != crossing.after]


def changed_settings(before: DevinSync, after: DevinSync) -> list[Changed]:
    return [Changed(*each) for each in _compared(before, after) if each[1] != each[2]]


def _compared(before: DevinSync, after: DevinSync) -> Iterator[tuple[str, str, str]]:
    for name in EDITABLE:
        if name == "source":
            yield "Secret path", before.source_label, after.source_label
        elif name == "connection":
            yield "Connection", before.connection.name, after.connection.name
        else:
            label = label_of(name)
            yield label, told(before, name) or _nothing(name), told(after, name) or _nothing(name)


def _nothing(name: str) -> str:
    return NOTHING.get(name, "none")
