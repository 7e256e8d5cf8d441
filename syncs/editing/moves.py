"""A sync that goes to another organization: whether it may now, and what becomes of what it wrote to the old one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from syncs.choices import Operation, Status, Trigger
from syncs.engine.awaited import ring_waiting_at
from syncs.errors import EditRefused
from syncs.models import Destination, DevinSync, ManagedSecret, SyncRun, WriteIntent
from syncs.runs import end
from syncs.runs.again import ring_again
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes


@dataclass(frozen=True)
class Place:
    """Where a sync writes."""

    connection_id: UUID
    base_url: str
    org_id: str

    @classmethod
    def of(cls, sync: DevinSync) -> Self:
        return cls(sync.connection_id, sync.connection.base_url, sync.org_id)

    @classmethod
    def with_fields(cls, sync: DevinSync, fields: Mapping[str, Any]) -> Self:
        """Where it would write with these fields changed."""
        connection = fields.get("connection", sync.connection)
        return cls(connection.pk, connection.base_url, fields.get("org_id", sync.org_id))

    def is_same_organization(self, other: "Place") -> bool:
        return (self.base_url, self.org_id) == (other.base_url, other.org_id)

    def secrets_of(self, sync: DevinSync) -> QuerySet[ManagedSecret]:
        """What the sync wrote here, by the ledger."""
        return ManagedSecret.objects.filter(sync=sync, destination__in=self.destinations())

    def open_intents_of(self, sync: DevinSync) -> QuerySet[WriteIntent]:
        """What the sync was about to write here when a run of it broke off."""
        return WriteIntent.objects.open().filter(sync=sync, destination__in=self.destinations())

    def destinations(self) -> QuerySet[Destination]:
        return Destination.objects.filter(base_url=self.base_url, org_id=self.org_id)


def why_it_stays(sync: DevinSync) -> str:
    """Why the destination must not change at this moment, "" if it may."""
    open_runs = SyncRun.objects.filter(sync=sync)
    if open_runs.filter(status=Status.RUNNING).exists():
        return "A run of this sync is under way. Wait until it has ended, then change the destination."
    if open_runs.filter(status=Status.PENDING, operation=Operation.REMOVE).exists():
        return "A removal of this sync's secrets is queued. Wait until it has ended, then change the destination."
    return ""


def check_may_move(sync: DevinSync, old: Place) -> None:
    """Raises EditRefused if the sync leaves an organization that it must not leave at this moment."""
    if not old.is_same_organization(Place.of(sync)) and (problem := why_it_stays(sync)):
        raise EditRefused(problem, field="org_id")


def stop_awaiting(sync: DevinSync, place: Place) -> None:
    """The sync has nothing to say at a place any more: what is held there until its source can be read goes on.

    After the edit: the runs are of other syncs, which nobody locks behind this one's back.
    """
    if not sync.is_awaited:
        return
    for destination in place.destinations():

        def ring(destination: Destination = destination) -> None:
            ring_waiting_at(destination, ring_again)

        transaction.on_commit(ring, robust=True)


def leave(sync: DevinSync, old: Place, *, removes_secrets: bool, trigger: Trigger, user: Any) -> None:
    """In the transaction of the edit. The secrets at the old place are removed, or stay there and are forgotten.

    A run that waits was asked for, and perhaps confirmed, with the old organization in mind: it is cancelled.
    """
    for run in SyncRun.objects.pending().filter(sync=sync, operation=Operation.SYNC):
        end.cancel(run.pk, "The sync's destination was changed before the run started.")
    if not removes_secrets:
        old.secrets_of(sync).delete()
        # They would keep their keys from every other sync, and values sealed, for a run that never comes.
        old.open_intents_of(sync).delete()
        return
    wishes = Wishes(connection_id=old.connection_id, org_id=old.org_id)
    request_run(sync, trigger=trigger, operation=Operation.REMOVE, user=user, wishes=wishes)
