"""Where a connection's key is used: the organizations that syncs write to by it, and the runs that hold it right now.

Known to the floors above, which register here how to tell; this package knows none of them.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connections.models import Connection

# The IDs of the organizations that are written to through a connection.
Organizations = Callable[["Connection"], Collection[str]]
# Whether something is under way through a connection that began before a moment, perhaps with the key of then.
UnderWay = Callable[["Connection", datetime], bool]

_organizations: list[Organizations] = []
_under_way: list[UnderWay] = []


def register_uses(organizations: Organizations, under_way: UnderWay) -> None:
    if organizations not in _organizations:
        _organizations.append(organizations)
        _under_way.append(under_way)


def used_organizations(connection: "Connection") -> list[str]:
    return sorted({org_id for find in _organizations for org_id in find(connection)})


def is_under_way_since_before(connection: "Connection", moment: datetime) -> bool:
    return any(find(connection, moment) for find in _under_way)
