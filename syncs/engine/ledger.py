"""The database's side of applying a plan: intents before each write, facts after it, and what to believe of intents
that a dead worker left open.

Everything here is short transactions by the one thread that owns the run; no network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from common.prefixes import starts_with
from connections.devin.types import RemoteSecret
from encryption import current_key_id
from syncs.authors import Authors
from syncs.choices import Action, Outcome, Status
from syncs.engine.changes import Change, HeldBack, Keep, Known, Plan
from syncs.engine.lease import Lease
from syncs.engine.notes import Tag
from syncs.engine.rows import asked_row, change_row, held_back_row, identity, refusal_row, storable, waiting_row
from syncs.models import (
    Destination,
    DevinSync,
    ManagedSecret,
    SyncRun,
    SyncRunChange,
    WriteIntent,
    WriteIntentQuerySet,
)

LEDGER_FIELDS = (
    "sync", "source_key", "secret_id", "fingerprint", "note", "secret_type", "is_sensitive", "modified_at",
    "generation", "written_at", "fingerprinted_for", "renamed_to", "is_adopted", "source_id",
)  # fmt: skip
DONE_COUNTS = {
    Action.CREATE: "created_count",
    Action.REPLACE: "replaced_count",
    Action.RENAME: "renamed_count",
    Action.HAND_OVER: "handed_over_count",
    Action.DELETE: "deleted_count",
}
BATCH = 500
# Rows that the next plan writes anew.
UNDONE = (Outcome.PLANNED, Outcome.NOT_ATTEMPTED, Outcome.HELD, Outcome.HELD_BACK)


@dataclass
class Ledger:
    run: SyncRun
    sync: DevinSync
    destination: Destination
    lease: Lease
    # Keys that we took away and have not put back yet; their values are sealed in open intents.
    missing: set[str] = field(default_factory=set)
    _is_unplanned: bool = field(init=False)

    def __post_init__(self) -> None:
        self._is_unplanned = self.run.attempt <= 1

    # Intents and facts

    def next_generation(self) -> int:
        """Counts up before the first write of an attempt, so that no note ever carries a number that we then forget."""
        DevinSync.objects.filter(pk=self.sync.pk).update(generation=F("generation") + 1)
        self.sync.refresh_from_db(fields=["generation"])
        return self.sync.generation

    @transaction.atomic
    def open_intents(self, intents: Sequence[WriteIntent]) -> bool:
        """Raises LeaseLost, and then nothing is written; False, and nothing is, if the run has been cancelled.

        Those of a missing key take the place of the one before.
        """
        self.lease.confirm()
        if self.lease.is_stopping:
            return False
        again = self.missing & {intent.destination_key for intent in intents}
        if again:
            close([intent for intent in self.sealed_intents() if intent.destination_key in again])
        WriteIntent.objects.bulk_create(intents)
        return True

    @transaction.atomic
    def drop_intents(self, intents: Sequence[WriteIntent]) -> None:
        """Of requests that were never sent, nor ever will be."""
        self.lease.confirm_held()
        close(intents)

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
        absent: Sequence[WriteIntent] = (),
        requests_sent: int | None = None,
    ) -> None:
        """The facts that some answers established, in one transaction. Raises LeaseLost: then the list will tell."""
        self.lease.confirm_held()
        for intent in absent:
            intent.save(update_fields=["phase"])
        remember(written)
        forget(own_ids_of(deleted) + former_of([*(intent for intent, _ in written), *deleted]))
        close([intent for intent, _ in written] + list(deleted) + [intent for intent, _ in failed])
        done = [intent.change_id for intent, _ in written] + [intent.change_id for intent in deleted]
        SyncRunChange.objects.filter(pk__in=[pk for pk in done if pk]).update(outcome=Outcome.DONE, detail="")
        for intent, reason in failed:
            SyncRunChange.objects.filter(pk__in=[intent.change_id]).update(outcome=Outcome.FAILED, detail=reason[:1024])
        if requests_sent is not None:
            SyncRun.objects.filter(pk=self.run.pk).update(requests_sent=requests_sent)

    def finish(self, plan: Plan, fingerprints: Mapping[str, str], origins: Mapping[str, str]) -> None:
        """After a plan that was carried out whole: what is open still is of keys that nobody wants any more.

        Most of the time there is nothing to write; then no writer waits for this one.
        """
        self.lease.confirm_held()
        if plan.forgotten or self._open_intents().exists():
            self._forget_what_is_left(plan)
        if stale := self._stale(plan.keeps):
            self._refresh_fingerprints(stale, fingerprints)
        if moved := {keep.destination_key: keep for keep in plan.keeps if keep.is_moved}:
            self._note_moved(moved, origins)

    @transaction.atomic
    def _forget_what_is_left(self, plan: Plan) -> None:
        self.lease.confirm_held()
        close(self._open_intents())
        mine = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        mine.filter(destination_key__in=plan.forgotten).delete()

    def _open_intents(self) -> WriteIntentQuerySet:
        return WriteIntent.objects.open().filter(sync=self.sync, destination=self.destination)

    def _stale(self, keeps: Iterable[Keep]) -> list[ManagedSecret]:
        """Kept secrets whose fingerprints an older encryption key made, or another sync."""
        kept = {keep.destination_key for keep in keeps}
        rows = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        older = rows.exclude(starts_with("fingerprint", f"{current_key_id()}:"), fingerprinted_for__isnull=True)
        return [row for row in older if row.destination_key in kept]

    @transaction.atomic
    def _refresh_fingerprints(self, stale: Sequence[ManagedSecret], newest: Mapping[str, str]) -> None:
        self.lease.confirm_held()
        for row in stale:
            row.fingerprint, row.fingerprinted_for = newest[row.destination_key], None
        ManagedSecret.objects.bulk_update(stale, ["fingerprint", "fingerprinted_for"], batch_size=BATCH)

    @transaction.atomic
    def _note_moved(self, moved: Mapping[str, Keep], origins: Mapping[str, str]) -> None:
        """Kept secrets that the source has under another key or id than it had, so that their next rename is known."""
        self.lease.confirm_held()
        rows = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        changed = [row for row in rows if row.destination_key in moved]
        for row in changed:
            row.source_key, row.source_id = moved[row.destination_key].source_key, origins[row.destination_key]
        ManagedSecret.objects.bulk_update(changed, ["source_key", "source_id"], batch_size=BATCH)

    # What an earlier attempt left

    def settle(self, existing: Sequence[RemoteSecret]) -> None:
        """Closes this sync's open intents by a fresh, complete list alone: it happened if the list shows it.

        One whose key we took away stays open, its value sealed, until the key is back.
        """
        self.lease.confirm_held()
        self.missing = set()
        if self._open_intents().exists():
            self._settle(existing)

    @transaction.atomic
    def _settle(self, existing: Sequence[RemoteSecret]) -> None:
        self.lease.confirm_held()
        intents = list(self._open_intents().select_related("run"))
        by_nonce = {tag.nonce: secret for secret in existing if (tag := Tag.read(secret.note))}
        present = {secret.secret_id for secret in existing}
        written = [(intent, by_nonce[intent.nonce]) for intent in intents if intent.nonce in by_nonce]
        deleted = [i for i in intents if i.action == Action.DELETE and i.secret_id not in present]
        # Renames whose new secret stood before: only the deletion was left of them.
        halves = [i for i in intents if i.action == Action.RENAME and not i.nonce]
        former = former_of([*(intent for intent, _ in written), *halves])
        still_there = {intent.pk for intent, secret_id in former if secret_id in present}
        held = {secret.key for secret in existing if secret.access_type == "org"}
        waiting = [intent for intent in intents if intent.sealed_value and intent.destination_key not in held]
        self.missing = {intent.destination_key for intent in waiting}
        remember(written)
        mark_renamed(former)
        gone = [(intent, secret_id) for intent, secret_id in former if secret_id not in present]
        forget(own_ids_of(deleted) + gone)
        close([intent for intent in intents if intent not in waiting])
        happened = [*(intent for intent, _ in written), *halves, *deleted]
        self._count_done([intent for intent in happened if intent.pk not in still_there])

    def _count_done(self, intents: Sequence[WriteIntent]) -> None:
        done = [intent.change_id for intent in intents if intent.change_id]
        SyncRunChange.objects.filter(pk__in=done).update(outcome=Outcome.DONE, detail="")
        # A run that had ended by then counts them too; this one counts at its end.
        for run in {intent.run for intent in intents} - {self.run}:
            SyncRun.objects.filter(pk=run.pk).update(**count_changes(run))

    def sealed_intents(self) -> list[WriteIntent]:
        """Open ones whose key we took away: they can be finished without the source."""
        return list(
            WriteIntent.objects.open().filter(sync=self.sync, destination=self.destination).exclude(sealed_value="")
        )

    # The plan, as rows that a person can read

    def start_attempt(self) -> None:
        """Drops the rows of what an earlier attempt planned and did not do; the new plan writes them again."""
        self.lease.confirm_held()
        if self.run.attempt > 1:
            self._drop_plan()

    @transaction.atomic
    def _drop_plan(self) -> None:
        """Rows of open intents stay until the list has told what became of them."""
        self.lease.confirm_held()
        open_rows = WriteIntent.objects.open().filter(run=self.run, change__isnull=False).values("change_id")
        self.run.changes.exclude(outcome=Outcome.DONE).exclude(pk__in=open_rows).delete()

    @transaction.atomic
    def write_plan(self, plan: Plan) -> dict[Change, SyncRunChange]:
        """A row for each change of the plan. What earlier rounds or attempts of this run did stays."""
        self.lease.confirm_held()
        earlier = self._earlier_rows()
        rows: dict[Change, SyncRunChange] = {}
        for change in plan.changes:
            row = change_row(self.run, change)
            rows[change] = earlier.get(identity(row), row)
        others = [
            *(refusal_row(self.run, refusal) for refusal in plan.refusals),
            *(waiting_row(self.run, delete) for delete in plan.waiting),
            *(asked_row(self.run, delete) for delete in plan.asked),
            *(held_back_row(self.run, held) for held in plan.held_back),
        ]
        new = [row for row in (*rows.values(), *others) if row.pk is None and identity(row) not in earlier]
        SyncRunChange.objects.bulk_create(new, batch_size=BATCH)
        SyncRun.objects.filter(pk=self.run.pk).update(kept_count=len(plan.keeps), warnings=list(plan.warnings)[:100])
        if plan.held_back:
            self._await_others(plan.held_back)
        return rows

    def _earlier_rows(self) -> dict[tuple[str, str, str], SyncRunChange]:
        """What is done or has failed; what is not is dropped. Before the first plan of all there is none."""
        if self._is_unplanned:
            self._is_unplanned = False
            return {}
        self.run.changes.filter(outcome__in=UNDONE).delete()
        return {identity(row): row for row in self.run.changes.all()}

    def _await_others(self, held_back: Sequence[HeldBack]) -> None:
        """Notes whose sources are waited for; and of a rename's former keys what they go on as, which the source tells
        no more once the new key is ours."""
        DevinSync.objects.filter(pk__in={held.by.sync for held in held_back}).update(is_awaited=True)
        mine = ManagedSecret.objects.filter(sync=self.sync, destination=self.destination)
        for held in held_back:
            if held.goes_on_as:
                mine.filter(secret_id=held.secret_id).update(renamed_to=storable(held.goes_on_as))

    def note_authors(self, authors: Authors) -> None:
        self.lease.confirm_held()
        self.run.authors = authors.as_json()
        SyncRun.objects.filter(pk=self.run.pk).update(authors=self.run.authors)

    def written_keys(self) -> set[str]:
        """What this run has created or replaced so far."""
        done = self.run.changes.filter(outcome=Outcome.DONE).exclude(action=Action.DELETE)
        return set(done.values_list("destination_key", flat=True))

    def fail(self, key: str, reason: str) -> None:
        rows = self.run.changes.filter(destination_key=key, outcome=Outcome.PLANNED).exclude(action=Action.DELETE)
        rows.update(outcome=Outcome.FAILED, detail=reason[:1024])

    def fail_deletions(self, reasons: Mapping[str, str]) -> None:
        """Of secrets by id; those that were to make room for a new one, too."""
        for secret_id, reason in reasons.items():
            rows = self.run.changes.filter(secret_id=secret_id, outcome=Outcome.PLANNED)
            rows.update(outcome=Outcome.FAILED, detail=reason[:1024])


def remember(written: Sequence[tuple[WriteIntent, RemoteSecret]]) -> None:
    """Upserts the ledger with what Devin answered to each write."""
    ManagedSecret.objects.bulk_create(
        [
            ManagedSecret(
                sync_id=intent.sync_id,
                destination_id=intent.destination_id,
                destination_key=intent.destination_key,
                source_key=intent.source_key,
                source_id=intent.source_id,
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


def own_ids_of(intents: Iterable[WriteIntent]) -> list[tuple[WriteIntent, str]]:
    return [(intent, intent.secret_id) for intent in intents if intent.secret_id]


def former_of(intents: Iterable[WriteIntent]) -> list[tuple[WriteIntent, str]]:
    """The ids of secrets that go on under a new key, each with the write that replaces it."""
    return [(intent, old) for intent in intents if intent.action == Action.RENAME for old in intent.old_secret_ids]


def mark_renamed(former: Sequence[tuple[WriteIntent, str]]) -> None:
    """Notes in the ledger what a secret goes on as, so that its deletion passes for no other even after a crash."""
    for intent, secret_id in former:
        rows = ManagedSecret.objects.filter(destination_id=intent.destination_id, secret_id=secret_id)
        rows.exclude(destination_key=intent.destination_key).update(renamed_to=intent.destination_key)


def forget(deleted: Sequence[tuple[WriteIntent, str]]) -> None:
    """Drops from the ledger what was deleted. By id: a duplicate's deletion leaves its key's own row."""
    if deleted:
        ids, destination = [secret_id for _, secret_id in deleted], deleted[0][0].destination_id
        ManagedSecret.objects.filter(destination_id=destination, secret_id__in=ids).delete()


def close(intents: Iterable[WriteIntent]) -> None:
    """Closes intents and wipes sealed values."""
    pks = [intent.pk for intent in intents]
    if pks:
        WriteIntent.objects.filter(pk__in=pks).update(closed_at=timezone.now(), sealed_value="")


def known_secrets(sync: DevinSync, destination: Destination) -> list[Known]:
    rows = ManagedSecret.objects.filter(sync_id=sync.pk, destination_id=destination.pk)
    # Tuples: a model instance a row would cost three times as long.
    return [Known(*row) for row in rows.values_list(*(column.name for column in fields(Known)))]


def count_changes(run: SyncRun) -> dict[str, int]:
    """The run's counters, from its rows, so that they are right after any crash."""
    waiting = {Outcome.HELD, Outcome.HELD_BACK, Outcome.NOT_ATTEMPTED}
    if run.status == Status.BLOCKED:
        waiting.add(Outcome.PLANNED)
    sorts = run.changes.order_by().values_list("action", "outcome", "is_drift").annotate(Count("pk"))
    counts = dict.fromkeys([*DONE_COUNTS.values(), "held_count", "failed_count", "drifted_count"], 0)
    for action, outcome, is_drift, count in sorts:
        if outcome == Outcome.DONE:
            counts[DONE_COUNTS[action]] += count
        counts["held_count"] += count * (action == Action.DELETE and outcome in waiting)
        counts["failed_count"] += count * (outcome == Outcome.FAILED)
        counts["drifted_count"] += count * is_drift
    return counts
