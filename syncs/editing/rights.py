"""What a person must be allowed to do, and where, to make, change or delete a sync; asked below every face.

Whoever says from where values go, or to where, must be allowed to read all that goes: the folder, with *Include
subfolders* those below, and where imports and references lead from there. A connection must be theirs to use: by a
right in the whole installation, or because it is shared with the project of the sync.
"""

from collections.abc import Collection, Iterator

from common.lacking import Lacking
from connections.models import Connection
from connections.reach import USE
from sources.sharing import is_shared
from syncs.access import place_of
from syncs.editing.actor import Actor
from syncs.editing.moves import Place as Destination
from syncs.models import DevinSync
from syncs.places import ReadsPlace
from vault.access import Place
from vault.loading import places_read
from vault.models import Project

REVEAL, REMOVE = "vault.reveal_secret", "syncs.remove_secrets"


def check_may_create(sync: DevinSync, *, by: Actor) -> None:
    """Raises Lacking."""
    by.demand("syncs.add_devinsync", place_of(sync))
    check_may_use(sync.connection, sync, by=by)
    check_may_read(sync, by=by, recursive=sync.recursive)


def check_may_change(
    before: DevinSync, after: DevinSync, changed: Collection[str], *, by: Actor, removes_old: bool
) -> None:
    """Raises Lacking. What an edit leaves as it was is not asked for anew."""
    by.demand("syncs.change_devinsync", place_of(before))
    old, new = Destination.of(before), Destination.of(after)
    reads_more = "source" in changed or ("recursive" in changed and after.recursive)
    if "source" in changed:
        by.demand("syncs.change_devinsync", place_of(after))
    if old != new:
        check_may_use(after.connection, after, by=by)
    if reads_more or old != new:
        check_may_read(after, by=by, recursive=after.recursive)
    if removes_old and not old.is_same_organization(new):
        by.demand(REMOVE, place_of(before))


def check_may_delete(sync: DevinSync, *, by: Actor, removes_secrets: bool) -> None:
    by.demand("syncs.delete_devinsync", place_of(sync))
    if removes_secrets:
        by.demand(REMOVE, place_of(sync))


def check_may_use(connection: Connection, sync: ReadsPlace, *, by: Actor) -> None:
    """Raises Lacking."""
    check_may_use_at(connection, sync.project, place_of(sync), by=by)


def check_may_use_at(connection: Connection, project: Project, place: Place, *, by: Actor) -> None:
    """The same of a sync that there is not yet. Raises Lacking."""
    if by.may_everywhere(USE):
        return
    if not is_shared(connection, project):
        raise Lacking([USE], where=f"for the connection {connection.name}, which is not shared with this project")
    by.demand(USE, place)


def check_may_read(sync: ReadsPlace, *, by: Actor, recursive: bool) -> None:
    """Raises Lacking, which names the first place that may not be read."""
    if by.may_everywhere(REVEAL):
        return
    for place in places_covered(sync, recursive=recursive):
        by.demand(REVEAL, place)


def places_covered(sync: ReadsPlace, *, recursive: bool) -> Iterator[Place]:
    yield place_of(sync)
    if sync.folder is not None:
        for each in places_read(sync.folder, recursive=recursive):
            yield Place(sync.project_id, each.environment_slug, each.path)
