"""After an older copy of the database was restored: which syncs are blocked for it, and a person's word on many."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q

from syncs.choices import BlockedReason, Outcome, Status, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes

PLANNED = ~Q(changes__outcome=Outcome.DONE)


@dataclass(frozen=True)
class Doubt:
    """A sync whose last run found later notes in Devin; `changes` is how many that run would have made."""

    sync_id: UUID
    name: str
    org_id: str
    run_id: UUID
    changes: int


@dataclass(frozen=True)
class Trusted:
    runs: list[SyncRun]
    refused: list[str]


def doubts(sync_ids: Collection[UUID] | None = None) -> list[Doubt]:
    """Of these syncs, or of all; by name. One statement, however many they are."""
    rows = SyncRun.objects.filter(
        status=Status.BLOCKED, blocked_reason=BlockedReason.ROLLBACK, sync__last_sync_run_id=F("pk")
    )
    if sync_ids is not None:
        rows = rows.filter(sync__in=list(sync_ids))
    found = rows.annotate(planned=Count("changes", filter=PLANNED)).order_by("sync_name", "org_id", "pk")
    columns = ("sync_id", "sync_name", "org_id", "pk", "planned")
    return [Doubt(*row) for row in found.values_list(*columns)]


def trust(syncs: Iterable[DevinSync], *, trigger: Trigger, user: Any = None) -> Trusted:
    """A run each that takes this database for right; what could not be started says why."""
    trusted = Trusted([], [])
    for sync in syncs:
        try:
            run = request_run(sync, trigger=trigger, user=user, wishes=Wishes(accepts_rollback=True))
            trusted.runs.append(run)
        except NotRunnable as error:
            trusted.refused.append(error.message)
    return trusted
