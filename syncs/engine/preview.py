"""A plan that nobody carries out, and what the guard says of it: for the wizard, the admin's "Plan" and the API.

Writes nothing to Devin, and to the database at most when its audit log may be asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connections.devin.app import PATIENCE_FOR_A_LIST
from connections.devin.types import RemoteSecret
from syncs.authors import Authors
from syncs.engine import guard
from syncs.engine.authors import found_in, look_up
from syncs.engine.changes import Plan
from syncs.engine.desired import read_desired
from syncs.engine.destination import Organization
from syncs.engine.ledger import known_secrets
from syncs.engine.planning import plan_sync
from syncs.engine.tags import OwnTag, check_rollback
from syncs.errors import Blocked
from syncs.models import DevinSync


@dataclass(frozen=True)
class Preview:
    """A plan that nobody has carried out, and whether the guard would hold its deletions."""

    plan: Plan
    blocked: Blocked | None
    # Who changed in Devin what the plan found there; None where nobody knows, or nobody asked.
    authors: Authors | None = None


def preview(
    sync: DevinSync, *, patience: timedelta | None = PATIENCE_FOR_A_LIST, names_authors: bool = False
) -> Preview:
    """The plan of a sync, saved or not, against the organization as it is now. Raises SyncError.

    A person waits for it, and a web thread with them, so it gives up early; None: it waits as a run would. Authors are
    for those who may see the sync's runs.
    """
    desired = read_desired(sync, patience=patience)
    with Organization.open(sync.connection, sync.org_id, patience=patience) as organization:
        existing = organization.list_secrets()
    destination = sync.look_up_destination()
    plan = plan_sync(sync, destination, desired, existing)
    found = list(found_in(plan)) if names_authors else []
    known = known_secrets(sync, destination) if found else []
    authors = look_up(sync.connection, sync.org_id, found, existing, known).authors if found else None
    return Preview(plan, verdict(sync, plan, existing), authors)


def verdict(sync: DevinSync, plan: Plan, existing: Sequence[RemoteSecret]) -> Blocked | None:
    try:
        check_rollback(sync, OwnTag(sync), existing)
        guard.check(plan, limits=limits_of(sync), confirmation=guard.Confirmation())
    except Blocked as blocked:
        return blocked
    return None


def limits_of(sync: DevinSync) -> guard.Limits:
    return guard.Limits(sync.guard_max_deletions, sync.guard_max_percent, sync.guard_min_deletions)
