"""Rows of the vault as entries to choose, looked up only as far as somebody looks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

from vault.models import Folder

Entry = TypeVar("Entry")


class Folders(Sequence[Entry], Generic[Entry]):
    """Who wants the first few, or those of a name, is not kept waiting for thousands. `label` is how each is called."""

    def __init__(self, rows: QuerySet[Folder], make: Callable[[Folder], Entry], *, label: Combinable) -> None:
        self._rows, self._make, self._label = rows, make, label

    def named(self, text: str) -> Entry | None:
        """The one of that id or label."""
        one = Q(pk=text) if _is_id(text) else Q(called=text)
        row = self._rows.annotate(called=self._label).filter(one).first()
        return None if row is None else self._make(row)

    def containing(self, text: str, *, most: int) -> tuple[list[Entry], int]:
        """The first of those whose label has the text in it, and how many more there are."""
        rows = self._rows.annotate(called=self._label).filter(called__icontains=text)
        first = [self._make(row) for row in rows[:most]]
        return first, rows.order_by().count() - most if len(first) == most else 0

    def __len__(self) -> int:
        return self._rows.count()

    def __iter__(self) -> Iterator[Entry]:
        return map(self._make, self._rows.iterator())

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...

    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self._make(row) for row in self._rows[index]]
        return list(self)[index]


def _is_id(text: str) -> bool:
    """In the one spelling in which ids are told."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
