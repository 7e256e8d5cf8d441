"""What lets a sync's runs need less approval takes a right of its own: whoever could do it alone could else put aside
the second person. Its syncs' options by any way, and a sync that goes and leaves its secrets behind."""

from collections.abc import Collection

from django.db.models import Q

from syncs.access import place_of
from syncs.choices import LOOSEN, Approval, loosens
from syncs.editing.actor import Actor
from syncs.editing.moves import Place
from syncs.errors import EditRefused
from syncs.models import DevinSync, ManagedSecret
from syncs.places import lost_source
from vault.access import can


def check_may_loosen(before: DevinSync, after: DevinSync, *, removes_old: bool, by: Actor) -> None:
    """Raises EditRefused. A command that runs for nobody has the machine, and so the database, in hand."""
    if loosens(before.approval, after.approval) and _lacks(by, after):
        raise EditRefused(
            f"The runs of “{after.name}” need the approval of another person "
            f"({Approval(before.approval).label.lower()}). To ask for less takes the permission {LOOSEN}, which "
            "administrators have.",
            field="approval",
        )
    if not removes_old:
        _check_may_forget(before, Place.of(after), by=by)


def check_may_leave_behind(sync: DevinSync, *, by: Actor) -> None:
    """Raises EditRefused: without its sync, the secrets in Devin are anybody's who makes another one."""
    if sync.approval != Approval.NONE and _lacks(by, sync):
        raise EditRefused(
            f"The runs of “{sync.name}” need the approval of another person. Delete it with its secrets, which waits "
            f"for an approval; to delete it and leave them takes the permission {LOOSEN}."
        )


def _check_may_forget(sync: DevinSync, new: Place, *, by: Actor) -> None:
    """The same of one, as it was before, that goes to another organization. Raises EditRefused."""
    if _lacks(by, sync) and forgets(sync, new):
        raise EditRefused(
            f"The runs of “{sync.name}” need the approval of another person. Have its secrets removed from the "
            f"organization that it leaves, which waits for an approval; to leave them takes the permission {LOOSEN}.",
            field="org_id",
        )


def forgets(sync: DevinSync, new: Place) -> bool:
    """Whether one that asks for approval, as it is, would leave what it wrote behind by going there."""
    old = Place.of(sync)
    if sync.approval == Approval.NONE or old.is_same_organization(new):
        return False
    return old.secrets_of(sync).exists() or old.open_intents_of(sync).exists()


def takes_from_guarded(sync: DevinSync, keys: Collection[str] | bool) -> bool:
    """Whether one of these keys, or of all, is held by a sync that has stopped and asks for more approval than this."""
    stopped = Q(sync__is_enabled=False) | lost_source("sync__")
    held = ManagedSecret.objects.filter(stopped, destination__in=Place.of(sync).destinations()).exclude(sync=sync)
    named = held.filter(destination_key__in=keys) if not isinstance(keys, bool) else held
    return any(loosens(each, sync.approval) for each in named.order_by().values_list("sync__approval", flat=True))


def _lacks(by: Actor, sync: DevinSync) -> bool:
    return by.user is not None and not can(by.user, LOOSEN, place_of(sync))
