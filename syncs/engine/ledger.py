"""The database's side of applying a plan: intents before each write, facts after it, and what to believe of intents
that a dead worker left open.

Everything here is short transactions by the one thread that owns the run; no network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from connections.devin.types import RemoteSecret
from encryption import current_key_id
from syncs.choices import Action, Outcome
from syncs.engine.lease import Lease
from syncs.engine.notes import Tag
from syncs.engine.plan import Change, Create, Delete, Keep, Known, Others, Plan, Refusal, Replace
from syncs.models import Destination, DevinSync, ManagedSecret, SyncControl, SyncRun, SyncRunChange, WriteIntent

LEDGER_FIELDS = (
    "sync", "source_key", "secret_id", "fingerprint", "note", "secret_type", "is_sensitive", "modified_at",
    "generation", "written_at",
)  # fmt: skip
BATCH = 500


@dataclass
class Ledger:
    run: SyncRun
    sync: DevinSync
    destination: Destination
    lease: Lease
    # Keys that we took away and have not put back yet; their values are sealed in open intents.
    missing: set[str] = field(default_factory=set)

    # Intents and facts

    def next_generation(self) -> int:
        """Counts up before the first write of an attempt, so that no note ever carries a number that we then forget."""
        DevinSync.objects.filter(pk=self.sync.pk).update(generation=F("generation") + 1)
        self.sync.refresh_from_db(fields=["generation"])
        return self.sync.generation

    @transaction.atomic
    def open_intents(self, intents: Sequence[WriteIntent]) -> None:
        """Raises LeaseLost, and then nothing is written. Those of a missing key take the place of the one before."""
        self.lease.confirm()
        again = self.missing & {intent.destination_key for intent in intents}
        if again:
            close([intent for intent in self.sealed_intents() if intent.destination_key in again])
        WriteIntent.objects.bulk_create(intents)

    @transaction.atomic
    def advance(self, intents: Sequence[WriteIntent]) -> None:
        """Records how far these intents may get next, before the request that takes them there."""
        self.lease.confirm()
        # Not bulk_update: for the few rows at a time that there are, its CASE expressions take ten times as long.
        for intent in intents:
            intent.save(update_fields=["phase", "sealed_value"])

    @transaction.atomic
    def record(
        self,
        *,
        written: Sequence[tuple[WriteIntent, RemoteSecret]] = (),
        deleted: Sequence[WriteIntent] = (),
        failed: Sequence[tuple[WriteIntent, str]] = (),
        requests_sent: int | None = None,
    ) -> None:
        """The facts that some answers established, in one transaction. Raises LeaseLost: then the list will tell."""
        self.lease.confirm_held()
        remember(written)
        forget(deleted)
        close([intent for intent, _ in written] + list(deleted) + [intent for intent, _ in failed])
        done = [intent.change_id for intent, _ in written] + [intent.change_id for intent in deleted]
        SyncRunChange.objects.filter(pk__in=[pk for pk in done if pk]).update(outcome=Outcome.DONE, detail="")
        for intent, reason in failed:
            SyncRunChange.objects.filter(pk__in=[intent.change_id]).update(outcome=Outcome.FAILED, detail=reason[:1024])
        if requests_sent is not None:
            SyncRun.objects.filter(pk=self.run.pk).update(requests_sent=requests_sent)

    @transaction.atomic
    def finish(self, plan: Plan, fingerprints: Mapping[str, str]) -> None:
        """After a plan that was carried out whole: what is open still is of keys that nobody wants any more."""
        self.lease.confirm_held()
        close(WriteIntent.objects.open().filter(sync=self.sync, destination=self.destination))
        mine = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        mine.filter(destination_key__in=plan.forgotten).delete()
        self._refresh_fingerprints(plan.keeps, fingerprints)

    def _refresh_fingerprints(self, keeps: Iterable[Keep], newest: Mapping[str, str]) -> None:
        """Writes kept secrets' fingerprints anew where an older encryption key made them."""
        kept = {keep.destination_key for keep in keeps}
        rows = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        older = rows.exclude(fingerprint__startswith=f"{current_key_id()}:")
        stale = [row for row in older if row.destination_key in kept]
        for row in stale:
            row.fingerprint = newest[row.destination_key]
        ManagedSecret.objects.bulk_update(stale, ["fingerprint"], batch_size=BATCH)

    # What an earlier attempt left

    @transaction.atomic
    def settle(self, existing: Sequence[RemoteSecret]) -> None:
        """Closes this sync's open intents by a fresh, complete list alone: it happened if the list shows it.

        One whose key we took away stays open, its value sealed, until the key is back.
        """
        self.lease.confirm_held()
        self.missing = set()
        rows = WriteIntent.objects.open().filter(sync=self.sync, destination=self.destination)
        intents = list(rows.select_related("run"))
        if not intents:
            return
        by_nonce = {tag.nonce: secret for secret in existing if (tag := Tag.read(secret.note))}
        present = {secret.secret_id for secret in existing}
        written = [(intent, by_nonce[intent.nonce]) for intent in intents if intent.nonce in by_nonce]
        gone = [i for i in intents if i.action == Action.DELETE and i.secret_id not in present]
        held = {secret.key for secret in existing if secret.access_type == "org"}
        waiting = [intent for intent in intents if intent.sealed_value and intent.destination_key not in held]
        self.missing = {intent.destination_key for intent in waiting}
        remember(written)
        forget(gone)
        close([intent for intent in intents if intent not in waiting])
        happened = [intent for intent, _ in written] + gone
        done = [intent.change_id for intent in happened if intent.change_id]
        SyncRunChange.objects.filter(pk__in=done).update(outcome=Outcome.DONE, detail="")
        # A run that had ended by then counts them too; this one counts at its end.
        for run in {intent.run for intent in happened} - {self.run}:
            SyncRun.objects.filter(pk=run.pk).update(**count_changes(run))

    def sealed_intents(self) -> list[WriteIntent]:
        """Open ones whose key we took away: they can be finished without the source."""
        return list(
            WriteIntent.objects.open().filter(sync=self.sync, destination=self.destination).exclude(sealed_value="")
        )

    # The plan, as rows that a person can read

    @transaction.atomic
    def start_attempt(self) -> None:
        """Drops the rows of what an earlier attempt planned and did not do; the new plan writes them again.

        Those of open intents stay until the list has told what became of them.
        """
        self.lease.confirm_held()
        open_rows = WriteIntent.objects.open().filter(run=self.run, change__isnull=False).values("change_id")
        self.run.changes.exclude(outcome=Outcome.DONE).exclude(pk__in=open_rows).delete()

    @transaction.atomic
    def write_plan(self, plan: Plan) -> dict[Change, SyncRunChange]:
        """A row for each change of the plan. What earlier rounds or attempts of this run did stays."""
        self.lease.confirm_held()
        self.run.changes.filter(outcome__in=(Outcome.PLANNED, Outcome.NOT_ATTEMPTED)).delete()
        earlier = {identity(row): row for row in self.run.changes.all()}
        rows: dict[Change, SyncRunChange] = {}
        for change in plan.changes:
            row = change_row(self.run, change)
            rows[change] = earlier.get(identity(row), row)
        refused = [refusal_row(self.run, refusal) for refusal in plan.refusals]
        new = [row for row in (*rows.values(), *refused) if row.pk is None and identity(row) not in earlier]
        SyncRunChange.objects.bulk_create(new, batch_size=BATCH)
        SyncRun.objects.filter(pk=self.run.pk).update(kept_count=len(plan.keeps), warnings=list(plan.warnings)[:100])
        return rows

    def written_keys(self) -> set[str]:
        """What this run has created or replaced so far."""
        done = self.run.changes.filter(outcome=Outcome.DONE).exclude(action=Action.DELETE)
        return set(done.values_list("destination_key", flat=True))

    def fail(self, key: str, reason: str) -> None:
        self.run.changes.filter(destination_key=key, outcome=Outcome.PLANNED).update(
            outcome=Outcome.FAILED, detail=reason[:1024]
        )

    def mark_not_attempted(self, rows: Iterable[SyncRunChange]) -> None:
        pks = [row.pk for row in rows]
        for start in range(0, len(pks), BATCH):
            SyncRunChange.objects.filter(pk__in=pks[start : start + BATCH], outcome=Outcome.PLANNED).update(
                outcome=Outcome.NOT_ATTEMPTED
            )


def change_row(run: SyncRun, change: Change) -> SyncRunChange:
    row = SyncRunChange(run=run, destination_key=storable(change.destination_key), reason=change.reason[:255])
    if isinstance(change, Delete):
        row.action, row.secret_id, row.secret_type = Action.DELETE, change.secret_id, change.secret_type
        row.is_stranger = change.is_stranger
    else:
        row.source_key, row.is_drift = change.source_key, change.is_drift
        row.action = Action.CREATE if isinstance(change, Create) else Action.REPLACE
    if isinstance(change, Replace):
        row.secret_id = change.old_ids[0] if change.old_ids else ""
        row.secret_type, row.is_stranger = change.old_type, change.is_stranger
    return row


def storable(key: str) -> str:
    """A key as a column can hold it: Devin's own keys are as long as it likes, and PostgreSQL takes no NUL."""
    return key.replace("\0", "")[:1024]


def refusal_row(run: SyncRun, refusal: Refusal) -> SyncRunChange:
    return SyncRunChange(
        run=run,
        action=Action.CREATE,
        destination_key=refusal.destination_key,
        source_key=refusal.source_key,
        reason="not ours to write",
        outcome=Outcome.FAILED,
        detail=refusal.reason[:1024],
    )


def identity(row: SyncRunChange) -> tuple[str, str, str]:
    return row.action, row.destination_key, row.secret_id if row.action == Action.DELETE else ""


def remember(written: Sequence[tuple[WriteIntent, RemoteSecret]]) -> None:
    """Upserts the ledger with what Devin answered to each write."""
    ManagedSecret.objects.bulk_create(
        [
            ManagedSecret(
                sync_id=intent.sync_id,
                destination_id=intent.destination_id,
                destination_key=intent.destination_key,
                source_key=intent.source_key,
                secret_id=secret.secret_id,
                fingerprint=intent.fingerprint,
                note=secret.note or "",
                secret_type=secret.secret_type,
                is_sensitive=secret.is_sensitive,
                modified_at=secret.modified_at,
                generation=intent.generation,
            )
            for intent, secret in written
        ],
        update_conflicts=True,
        unique_fields=["destination", "destination_key"],
        update_fields=LEDGER_FIELDS,
    )


def forget(deleted: Sequence[WriteIntent]) -> None:
    """Drops from the ledger what was deleted. By id: a duplicate's deletion leaves its key's own row."""
    if deleted:
        ManagedSecret.objects.filter(
            destination_id=deleted[0].destination_id, secret_id__in=[intent.secret_id for intent in deleted]
        ).delete()


def close(intents: Iterable[WriteIntent]) -> None:
    """Closes intents and wipes sealed values."""
    pks = [intent.pk for intent in intents]
    if pks:
        WriteIntent.objects.filter(pk__in=pks).update(closed_at=timezone.now(), sealed_value="")


def known_secrets(sync: DevinSync, destination: Destination) -> list[Known]:
    rows = ManagedSecret.objects.filter(sync_id=sync.pk, destination=destination)
    # Tuples: a model instance a row would cost three times as long.
    return [Known(*row) for row in rows.values_list(*(column.name for column in fields(Known)))]


def others_of(sync: DevinSync, destination: Destination, existing: Sequence[RemoteSecret]) -> Others:
    """What other syncs manage here, by the ledger and by the tags of this installation's other syncs."""
    rows = list(ManagedSecret.objects.filter(destination=destination).exclude(sync_id=sync.pk).select_related("sync"))
    opening = WriteIntent.objects.open().filter(destination=destination).exclude(sync_id=sync.pk).select_related("sync")
    instance = SyncControl.get().instance_id
    syncs = {other.short_id for other in DevinSync.objects.exclude(pk=sync.pk).only("pk")}
    tagged = {
        secret.secret_id
        for secret in existing
        if (tag := Tag.read(secret.note)) and tag.instance == instance and tag.sync in syncs
    }
    return Others(
        names_by_key={row.destination_key: row.sync.name for row in (*opening, *rows)},
        secret_ids=frozenset({row.secret_id for row in (*opening, *rows) if row.secret_id} | tagged),
    )


def count_changes(run: SyncRun) -> dict[str, int]:
    """The run's counters, from its rows, so that they are right after any crash."""
    done = Q(outcome=Outcome.DONE)
    return run.changes.aggregate(
        created_count=Count("pk", filter=done & Q(action=Action.CREATE)),
        replaced_count=Count("pk", filter=done & Q(action=Action.REPLACE)),
        deleted_count=Count("pk", filter=done & Q(action=Action.DELETE)),
        failed_count=Count("pk", filter=Q(outcome=Outcome.FAILED)),
        drifted_count=Count("pk", filter=Q(is_drift=True)),
    )
