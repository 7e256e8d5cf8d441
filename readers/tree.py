"""The rows of the page: a tree in the order of reading, each folder once with what reads it, and no more than is read.

Where a folder is met again, it is named and not opened again, so that circles end.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from readers.loading import SyncRow
from readers.ways import Way, Ways

MOST_ROWS = 300
MOST_DEPTH = 12
# Syncs beside a folder.
NAMED = 10


@dataclass(frozen=True)
class Row:
    """A folder in the tree: how it reads the one above it, and the syncs that read it. `is_again`: opened elsewhere."""

    name: str
    url: str
    level: int
    imports: bool = False
    referring: Sequence[str] = ()
    keys: Sequence[str] = ()
    syncs: Sequence[SyncRow] = ()
    is_again: bool = False
    # For the page's nested lists: whether one opens below this row, and how many end behind it.
    opens: bool = field(default=False, compare=False)
    closes: int = field(default=0, compare=False)

    @property
    def ends(self) -> range:
        return range(self.closes)

    @property
    def named_syncs(self) -> Sequence[SyncRow]:
        return self.syncs[:NAMED]

    @property
    def more_syncs(self) -> int:
        return max(len(self.syncs) - NAMED, 0)


@dataclass(frozen=True)
class Step:
    """From a folder to one that reads it."""

    folder_id: UUID
    level: int
    way: Way
    is_again: bool


def in_order(ways: Ways, name: Callable[[UUID], str]) -> Iterator[Step]:
    """From the start on, what reads a folder behind it and one level down. Without recursion: chains may be long."""
    opened_at = _shortest(ways)
    waiting = [Step(ways.start, 0, Way(), is_again=False)]
    while waiting:
        step = waiting.pop()
        yield step
        if step.is_again:
            continue
        here = step.folder_id
        below = sorted(ways.steps.get(here, {}).items(), key=lambda each: name(each[0]), reverse=True)
        waiting += [Step(there, step.level + 1, way, is_again=opened_at[there] != here) for there, way in below]


def _shortest(ways: Ways) -> dict[UUID, UUID | None]:
    """The folder below which each is opened: the first on the shortest way to it."""
    opened_at: dict[UUID, UUID | None] = {ways.start: None}
    waiting = deque([ways.start])
    while waiting:
        here = waiting.popleft()
        for there in ways.steps.get(here, {}):
            if there not in opened_at:
                opened_at[there] = here
                waiting.append(there)
    return opened_at


def nested(rows: Sequence[Row]) -> list[Row]:
    """The same, with what the page needs to draw lists in lists."""
    levels = [*(row.level for row in rows[1:]), 0]
    made = []
    for row, following in zip(rows, levels, strict=True):
        is_open = following > row.level
        made.append(replace(row, opens=is_open, closes=0 if is_open else row.level - following))
    return made
