"""What else a document holds beside connections and syncs: kinds of rows of the floors above, which register them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.db.models import Model

from syncs.editing.actor import Actor
from syncs.editing.document import Entry
from syncs.editing.seen import Seen

if TYPE_CHECKING:
    from syncs.editing.comparison import Comparing
    from syncs.editing.declaration import Difference


class Part(Protocol):
    """A list of the document, behind those of connections and syncs; each entry has a name and a project.

    `key`: how the document calls the list. `kind`: how people call one of it. `names`: what an entry may say.
    """

    key: str
    kind: str
    model: type[Model]
    names: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of one entry."""

    def describe(self, seen: Seen) -> list[dict[str, Any]]:
        """The entries of what there is, in a stable order."""

    def compare(self, entry: Entry, comparing: "Comparing") -> None:
        """Notes the difference that an entry makes, or what is wrong with it."""

    def prune(self, comparing: "Comparing", *, removes_secrets: bool) -> Iterable[UUID]:
        """Notes the deletions of what is not kept; the ids of the connections that are in use still."""

    def carry_out(self, difference: "Difference", *, by: Actor, removes_secrets: bool) -> None:
        """In the transaction of the whole document. Raises SyncError, Lacking or ValidationError."""


_parts: dict[str, Part] = {}


def register_part(part: Part) -> None:
    """Called by an app in its `ready()`. A later one of that key takes its place."""
    _parts[part.key] = part


def parts() -> tuple[Part, ...]:
    return tuple(_parts.values())


def part_of(row: Model) -> Part | None:
    return next((part for part in _parts.values() if isinstance(row, part.model)), None)
