"""What a person decides on secrets that DevinSync did not write, where a sync asks.

delete   the next run deletes this very secret, without asking again
leave    it stays, and no run asks of it any more
adopt    it becomes the sync's: no other sync touches it, it goes with the sync's other secrets when these are removed,
         and once the source has had its key it is a secret like any other. Until then it stays: its value is unknown
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from syncs.access import place_of
from syncs.choices import Decision, Operation, Outcome
from syncs.editing.actor import Actor
from syncs.editing.change import locked
from syncs.errors import EditRefused
from syncs.models import DevinSync, ManagedSecret, StrangerDecision, SyncRun, SyncRunChange
from syncs.runs.ask import request_run


def waiting_strangers(sync: DevinSync) -> QuerySet[SyncRunChange]:
    """Those of which the last run asked that has ended, and nobody has said a word yet."""
    ended = SyncRun.objects.filter(sync=sync, operation=Operation.SYNC, started_at__isnull=False)
    last = ended.filter(finished_at__isnull=False).order_by("-finished_at").values("pk")[:1]
    rows = SyncRunChange.objects.filter(run__in=last, outcome=Outcome.HELD)
    decided = StrangerDecision.objects.filter(sync=sync).values("secret_id")
    adopted = ManagedSecret.objects.filter(sync=sync).values("secret_id")
    return rows.exclude(secret_id__in=decided).exclude(secret_id__in=adopted).order_by("destination_key", "pk")


@transaction.atomic
def decide_on_strangers(
    sync_id: UUID, secret_ids: Collection[str], decision: Decision, *, by: Actor
) -> tuple[list[str], SyncRun | None]:
    """The keys that were decided on, and the run that follows; None if the sync is not to run. Raises EditRefused."""
    sync = locked(sync_id)
    for permission in ("syncs.run_devinsync", "syncs.confirm_deletions"):
        by.demand(permission, place_of(sync))
    rows = list(waiting_strangers(sync).filter(secret_id__in=list(secret_ids)))
    if not rows or set(secret_ids) - {row.secret_id for row in rows}:
        raise EditRefused(
            f"The last run of “{sync.name}” does not ask about all of these secrets. Look at its list again."
        )
    keys = [row.destination_key for row in rows]
    _adopt(sync, rows) if decision == Decision.ADOPT else _note(sync, rows, decision, by)
    by.note_changed(sync, f"Decided to {decision.label.lower()} {', '.join(keys)}"[:200])
    return keys, request_run(sync, trigger=by.trigger, user=by.user) if sync.is_live else None


def _note(sync: DevinSync, rows: list[SyncRunChange], decision: Decision, by: Actor) -> None:
    StrangerDecision.objects.bulk_create(
        [
            StrangerDecision(
                sync=sync,
                destination=sync.destination(),
                secret_id=row.secret_id,
                destination_key=row.destination_key,
                decision=decision,
                decided_by_id=by.user_id,
            )
            for row in rows
        ]
    )


def _adopt(sync: DevinSync, rows: list[SyncRunChange]) -> None:
    keys = [row.destination_key for row in rows]
    held = ManagedSecret.objects.filter(destination=sync.destination(), destination_key__in=keys)
    if taken := sorted(
        {key for key in keys if keys.count(key) > 1} | set(held.values_list("destination_key", flat=True))
    ):
        raise EditRefused(f"A sync already manages a secret of the key {taken[0]}, so a second one cannot be adopted.")
    ManagedSecret.objects.bulk_create(
        [
            ManagedSecret(
                sync=sync,
                destination=sync.destination(),
                destination_key=row.destination_key,
                source_key="",
                secret_id=row.secret_id,
                secret_type=row.secret_type,
                fingerprint="",
                is_adopted=True,
            )
            for row in rows
        ]
    )
