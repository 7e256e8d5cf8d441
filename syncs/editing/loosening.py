"""What lets a sync's runs need less approval takes a right of its own: whoever could do it alone could else put aside
the second person. Its syncs' options by any way, and a sync that goes and leaves its secrets behind."""

from syncs.access import place_of
from syncs.choices import Approval
from syncs.editing.actor import Actor
from syncs.errors import EditRefused
from syncs.models import DevinSync
from vault.access import can

LOOSEN = "syncs.loosen_approval"


def loosens(before: str, after: str) -> bool:
    order = Approval.values
    return order.index(after) < order.index(before)


def check_may_loosen(sync: DevinSync, before: str, *, by: Actor) -> None:
    """Raises EditRefused. A command that runs for nobody has the machine, and so the database, in hand."""
    if loosens(before, sync.approval) and _lacks(by, sync):
        raise EditRefused(
            f"The runs of “{sync.name}” need the approval of another person ({Approval(before).label.lower()}). To ask "
            f"for less takes the permission {LOOSEN}, which administrators have.",
            field="approval",
        )


def check_may_leave_behind(sync: DevinSync, *, by: Actor) -> None:
    """Raises EditRefused: without its sync, the secrets in Devin are anybody's who makes another one."""
    if sync.approval != Approval.NONE and _lacks(by, sync):
        raise EditRefused(
            f"The runs of “{sync.name}” need the approval of another person. Delete it with its secrets, which waits "
            f"for an approval; to delete it and leave them takes the permission {LOOSEN}."
        )


def _lacks(by: Actor, sync: DevinSync) -> bool:
    return by.user is not None and not can(by.user, LOOSEN, place_of(sync))
