"""What a person must be allowed to do to make or change a set: what it takes for the syncs that it makes.

Whoever says from where values go, to where, or to whom, must be allowed to read all that goes, and use the connection.
"""

from collections.abc import Collection

from fleets.choices import WhenLeft
from fleets.models import SyncSet
from syncs.access import place_of
from syncs.choices import LOOSEN, loosens
from syncs.editing.actor import Actor
from syncs.editing.rights import REMOVE, check_may_read, check_may_use

CHANGE, DELETE = "syncs.change_devinsync", "syncs.delete_devinsync"
FROM_WHERE = frozenset({"source", "below", "recursive"})
TO_WHOM = frozenset({"connection", "selection", "chosen", "exceptions", "new_organizations"})


def check_may_create(each: SyncSet, *, by: Actor) -> None:
    """Raises Lacking."""
    by.demand("syncs.add_devinsync", place_of(each))
    check_may_send(each, by=by)
    _check_may_remove(each, by=by)


def check_may_change(before: SyncSet, after: SyncSet, changed: Collection[str], *, by: Actor) -> None:
    """Raises Lacking. What an edit leaves as it was is not asked for anew."""
    by.demand(CHANGE, place_of(before))
    if "source" in changed:
        by.demand(CHANGE, place_of(after))
    if FROM_WHERE.union(TO_WHOM).intersection(changed):
        check_may_send(after, by=by)
    if "canaries" in changed:
        # By names that the connection knows.
        check_may_use(after.connection, after, by=by)
    if TO_WHOM.union({"when_left"}).intersection(changed):
        # Whom it takes no more loses its secrets by that.
        _check_may_remove(after, by=by)
    if loosens(before.approval, after.approval):
        by.demand(LOOSEN, place_of(before))


def check_may_send(each: SyncSet, *, by: Actor) -> None:
    """To one organization more, from where the set reads. Raises Lacking."""
    check_may_use(each.connection, each, by=by)
    check_may_read(each, by=by, recursive=each.recursive or bool(each.below))


def check_may_delete(each: SyncSet, *, by: Actor, removes_secrets: bool) -> None:
    """The set with its syncs, or one of these. Raises Lacking."""
    by.demand(DELETE, place_of(each))
    if removes_secrets:
        by.demand(REMOVE, place_of(each))


def _check_may_remove(each: SyncSet, *, by: Actor) -> None:
    """Whose sync goes with its secrets, once it matches no more."""
    if each.when_left == WhenLeft.REMOVE:
        check_may_delete(each, by=by, removes_secrets=True)
