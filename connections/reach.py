"""Which connections somebody sees, or may use, beside those whose rights hold in the whole installation.

With whom a connection is shared is known to the floors above, which register here how to tell; this package knows none
of them.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from connections.models import Connection

VIEW, USE = "connections.view_connection", "connections.use_connection"

# The connections on which a user has a permission by what they are shared with; None for none at all.
Shared = Callable[[Any, str], Q | None]

_ways: list[Shared] = []


def register_sharing(shared: Shared) -> None:
    if shared not in _ways:
        _ways.append(shared)


def within_reach(user: Any, permission: str = VIEW, *, rows: QuerySet[Any] | None = None) -> QuerySet[Any]:
    """Of these rows, or of all, those on which the user has the permission."""
    connections = Connection.objects.all() if rows is None else rows
    if user.has_perm(permission):
        return connections
    shared = [found for way in _ways if (found := way(user, permission)) is not None]
    if not shared:
        return connections.none()
    return connections.filter(Q(*shared, _connector=Q.OR))


def may(user: Any, permission: str, connection: Connection) -> bool:
    """Whether the user has the permission on this one."""
    return user.has_perm(permission) or within_reach(user, permission).filter(pk=connection.pk).exists()


def may_anywhere(user: Any, permission: str) -> bool:
    """For menus: whether there could be one."""
    return user.has_perm(permission) or any(way(user, permission) is not None for way in _ways)
