"""What a list of Devin's is of, and how it is seen to be whole: each thing once, each page once, as many as it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from connections.devin.answers import Attempt
from connections.devin.errors import ListIncomplete
from connections.devin.types import Item, Page


@dataclass(frozen=True)
class Listing(Generic[Item]):
    noun: str
    parse_item: Callable[[object], Item]
    id_of: Callable[[Item], str]

    def parse(self, data: object) -> Page[Item]:
        return Page.parse(data, self.parse_item)

    def add(self, page: Page[Item], found: dict[str, Item], attempt: Attempt) -> None:
        for item in page.items:
            if self.id_of(item) in found:
                raise incomplete(attempt, f"it had one {self.noun} twice")
            found[self.id_of(item)] = item

    def require_total(self, totals: set[int | None], count: int, attempt: Attempt) -> None:
        """A total that moved between pages means that what is listed moved too, perhaps past a page's edge."""
        if len(totals) > 1:
            raise incomplete(attempt, "it changed while it was read")
        if totals - {None, count}:
            raise incomplete(attempt, f"it had {count} {self.noun}s and said {totals.pop()}")


def next_cursor(page: Page[Any], cursors: set[str], attempt: Attempt) -> str:
    if not page.end_cursor:
        raise incomplete(attempt, "it announced a further page without saying where")
    if page.end_cursor in cursors:
        raise incomplete(attempt, "its pages went round in a circle")
    cursors.add(page.end_cursor)
    return page.end_cursor


def incomplete(attempt: Attempt, what_was_wrong: str) -> ListIncomplete:
    advice = "Nothing is changed on the strength of such a list; it is tried again later."
    return ListIncomplete(attempt.says(f"Devin's list cannot be right, {what_was_wrong}", advice))
