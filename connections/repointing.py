"""Whether a person may point a connection elsewhere: give it another address, or another API key.

What goes through a connection is known to those who send it. They register a check here; this package knows none of
them.
"""

from collections.abc import Callable

from connections.models import Connection

# Whether somebody has a permission, by its name (`connections.use_connection`).
May = Callable[[str], bool]
# What keeps them from pointing this connection elsewhere, as a sentence; "" if nothing does.
Check = Callable[[Connection, May], str]

_checks: list[Check] = []


def register_check(check: Check) -> None:
    """Ask `check` before a stored connection is pointed elsewhere."""
    if check not in _checks:
        _checks.append(check)


def why_it_stays(connection: Connection, may: May) -> str:
    """Why this person may not point the connection elsewhere; "" if they may."""
    return next((refusal for check in _checks if (refusal := check(connection, may))), "")
