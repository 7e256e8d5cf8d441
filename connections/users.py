"""What uses a connection, and so keeps it from being deleted: named to whoever may see it, else counted.

The floors above register what they have; this package knows none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from connections.models import Connection

NAMED = 20
NAMED_IN_A_SENTENCE = 10


@dataclass(frozen=True)
class Kind:
    """`rows` are those that use a connection, and `seen` those of them that a user sees."""

    one: str
    many: str
    rows: Callable[[Connection], QuerySet[Any]]
    seen: Callable[[Any, QuerySet[Any]], QuerySet[Any]]


_kinds: list[Kind] = []


def register_users(kind: Kind) -> None:
    if kind.many not in {known.many for known in _kinds}:
        _kinds.append(kind)


@dataclass(frozen=True)
class Users:
    """The first of one kind that somebody sees, and how many more there are."""

    kind: Kind
    named: list[Any] = field(default_factory=list)
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.named or self.more)

    @property
    def words_of_more(self) -> str:
        """`3 more sync sets`"""
        return f"{self.more:,}{' more' if self.named else ''} {self.kind.one if self.more == 1 else self.kind.many}"

    @property
    def told(self) -> str:
        """`the sync sets core and edge`; `2 syncs that you may not see`."""
        names, more = [str(row) for row in self.named], self.more
        if not names:
            return f"{self.words_of_more} that you may not see"
        if more:
            return f"the {self.kind.many} {', '.join(names)} and {more:,} more"
        last = names.pop()
        return f"the {self.kind.many} {', '.join(names)} and {last}" if names else f"the {self.kind.one} {last}"


def users_of(connection: Connection, user: Any, *, named: int = NAMED) -> list[Users]:
    """Of each kind that uses it: those that the user sees by their names, as many as are to be named."""
    found = []
    for kind in _kinds:
        rows = kind.rows(connection)
        seen = list(kind.seen(user, rows)[:named])
        found.append(Users(kind, seen, rows.order_by().count() - len(seen)))
    return [users for users in found if users]


def why_it_is_used(connection: Connection, user: Any) -> str:
    """Why it can't be deleted; "" if nothing uses it."""
    users = users_of(connection, user, named=NAMED_IN_A_SENTENCE)
    if not users:
        return ""
    return (
        f"The connection {connection.name} is used by {'; '.join(each.told for each in users)}. Remove all existing "
        "connections and try again: delete what uses it, or give it another connection."
    )
