"""Rows of the vault as entries to choose, looked up only as far as somebody looks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from django.db.models import QuerySet

from vault.models import Folder

Entry = TypeVar("Entry")


class Folders(Sequence[Entry], Generic[Entry]):
    """Who wants the first few is not kept waiting for thousands."""

    def __init__(self, rows: QuerySet[Folder], make: Callable[[Folder], Entry]) -> None:
        self._rows, self._make = rows, make

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
