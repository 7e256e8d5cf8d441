"""Rows of the ledger that change hands between two syncs of one organization. No request: the secret stays as it is.

    hand over    this sync lets go of a key, another live one wants it
    take over    this sync wants a key, one that is stopped holds it, and a person has said so

Each is one transaction with the run that follows from it, so that no crash leaves a key without a holder. The receiver
gets the fingerprint with the name of the sync that it was made for: if its own value is the same, nothing is written.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from syncs.access import place_of
from syncs.choices import LOOSEN, Action, Outcome, loosens
from syncs.engine.changes import Change, HandOver, told_sync
from syncs.engine.ledger import LEDGER_FIELDS, Ledger, close
from syncs.engine.others import name_in, why_stopped
from syncs.engine.rows import storable
from syncs.models import DevinSync, ManagedSecret, SyncRunChange, WriteIntent
from syncs.places import lost_source
from vault.access import can


@transaction.atomic
def hand_over(
    ledger: Ledger,
    changes: Sequence[HandOver],
    rows: Mapping[Change, SyncRunChange],
    *,
    ring: Callable[[DevinSync], object],
) -> None:
    """Gives each receiver what it wants, and asks for its run. One that was stopped meanwhile gets nothing."""
    ledger.lease.confirm_held()
    receivers = {sync.pk: sync for sync in _locked({change.to_sync for change in changes}) if _is_here(sync, ledger)}
    given = [change for change in changes if change.to_sync in receivers]
    own = ManagedSecret.objects.filter(sync=ledger.sync, destination=ledger.destination)
    held = {row.secret_id: row for row in own.filter(secret_id__in=[change.secret_id for change in given])}
    ManagedSecret.objects.bulk_create(
        [_given(change, held.get(change.secret_id), ledger) for change in given],
        update_conflicts=True,
        unique_fields=["destination", "destination_key"],
        update_fields=LEDGER_FIELDS,
    )
    SyncRunChange.objects.filter(pk__in=[rows[change].pk for change in given]).update(outcome=Outcome.DONE)
    left = [rows[change].pk for change in changes if change not in given]
    SyncRunChange.objects.filter(pk__in=left).update(outcome=Outcome.NOT_ATTEMPTED)
    for pk in sorted({change.to_sync for change in given}):
        ring(receivers[pk])


def _given(change: HandOver, held: ManagedSecret | None, ledger: Ledger) -> ManagedSecret:
    """The row as it is the receiver's. Of a secret that only its note calls ours, the value is not known."""
    row = ManagedSecret(
        sync_id=change.to_sync,
        destination=ledger.destination,
        destination_key=storable(change.destination_key),
        source_key=change.to_source_key,
        secret_id=change.secret_id,
        secret_type=change.secret_type,
    )
    if held is not None and held.fingerprint and held.destination_key == change.destination_key:
        row.fingerprint, row.fingerprinted_for = held.fingerprint, held.fingerprinted_for or held.sync_id
        row.note, row.is_sensitive, row.modified_at = held.note, held.is_sensitive, held.modified_at
        row.secret_type, row.generation, row.written_at = held.secret_type, held.generation, held.written_at
    return row


@transaction.atomic
def take_over(ledger: Ledger, wanted: Mapping[str, str], *, chosen: Collection[str] | None) -> None:
    """Takes what stopped syncs hold of the wanted keys, given with their source keys; `chosen` are the keys that a
    person named, None for any."""
    ledger.lease.confirm_held()
    keys = set(wanted) if chosen is None else set(wanted).intersection(chosen)
    stopped = Q(sync__is_enabled=False) | lost_source("sync__")
    there = ManagedSecret.objects.filter(stopped, destination=ledger.destination).exclude(sync=ledger.sync)
    opening = WriteIntent.objects.open().filter(stopped, destination=ledger.destination).exclude(sync=ledger.sync)
    rows = [row for row in there if row.destination_key in keys]
    intents = [intent for intent in opening if intent.destination_key in keys]
    holders = {
        sync.pk: sync
        for sync in _locked({row.sync_id for row in rows} | {intent.sync_id for intent in intents})
        if not sync.is_live and may_take_from(ledger, sync)
    }
    taken = [row for row in rows if row.sync_id in holders]
    # What a stopped sync had begun with these keys, this one does now.
    close([intent for intent in intents if intent.sync_id in holders])
    _note(ledger, taken, holders)
    for row in taken:
        row.fingerprinted_for = row.fingerprinted_for or row.sync_id
        row.sync_id, row.source_key = ledger.sync.pk, wanted[row.destination_key]
        row.renamed_to, row.is_adopted, row.source_id = "", False, ""
    changed = ["sync", "source_key", "source_id", "fingerprinted_for", "renamed_to", "is_adopted"]
    ManagedSecret.objects.bulk_update(taken, changed, batch_size=500)


def may_take_from(ledger: Ledger, holder: DevinSync) -> bool:
    """What another project's sync holds is taken by those alone who may do so there too; what one holds whose runs wait
    for another person, for one whose runs need not, by those who may ask for less approval."""
    person, needed = ledger.run.requested_by, []
    if holder.project_id != ledger.sync.project_id:
        needed.append("syncs.take_over")
    if loosens(holder.approval, ledger.sync.approval):
        needed.append(LOOSEN)
    return person is None or all(can(person, permission, place_of(holder)) for permission in needed)


def _note(ledger: Ledger, taken: Iterable[ManagedSecret], holders: Mapping[UUID, DevinSync]) -> None:
    for row in taken:
        holder = holders[row.sync_id]
        why = why_stopped(is_enabled=holder.is_enabled, has_source=holder.has_source)
        ledger.run.changes.create(
            action=Action.HAND_OVER,
            destination_key=row.destination_key,
            secret_id=row.secret_id,
            secret_type=row.secret_type,
            reason=f"taken over from {told_sync(name_in(ledger.sync.project_id, holder))}: {why}"[:255],
            outcome=Outcome.DONE,
        )


def _locked(pks: Collection[UUID]) -> list[DevinSync]:
    """In the order of their ids, as everybody locks them."""
    rows = DevinSync.objects.filter(pk__in=pks).with_source().select_related("connection")
    return list(rows.order_by("pk").select_for_update(of=("self",), no_key=True))


def _is_here(sync: DevinSync, ledger: Ledger) -> bool:
    place = (sync.connection.base_url, sync.org_id)
    return sync.is_live and place == (ledger.destination.base_url, ledger.destination.org_id)
