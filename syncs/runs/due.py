"""Which runs are due that no bell tells of any more, and when a sync is to be compared again."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from common import clock
from syncs.choices import Status
from syncs.models import DevinSync, SyncRun

SELDOM = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACES = 100_003
FURTHEST = 0.1


def abandoned() -> QuerySet[SyncRun]:
    """Running ones whose worker is gone: its lease has expired, or somebody else holds the organization."""
    rung_lately = Q(rung_at__gt=clock.now() - settings.SYNC_RING_AGAIN)
    alive = Q(destination__lease_run_id=F("pk"), destination__lease_expires_at__gt=Now())
    return SyncRun.objects.filter(status=Status.RUNNING).exclude(alive).exclude(rung_lately)


def waiting_for(run: SyncRun) -> list[tuple[UUID, UUID | None]]:
    """Due runs of the same organization, which this run kept waiting, with the projects of their syncs."""
    now = clock.now()
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    rows = SyncRun.objects.pending().filter(due, org_id=run.org_id).order_by("queued_at")
    return list(rows.values_list("pk", "sync__project_id")[:10])


def next_reconcile(sync: DevinSync, *, needs_person: bool = False) -> datetime | None:
    """When to compare again: after the sync's interval, give or take a tenth.

    Each sync has a place of its own within the interval and moves towards it, so that however many were made, or became
    due, at one moment, they soon fall due evenly. What a person has to mend is looked at again once an hour, in case
    they did so outside DevinSync.
    """
    if not sync.reconcile_minutes:
        return None
    interval = timedelta(minutes=sync.reconcile_minutes)
    if needs_person:
        interval = max(interval, SELDOM)
    after = clock.now() + interval
    return after + _towards_place(sync, after, interval)


def _towards_place(sync: DevinSync, moment: datetime, interval: timedelta) -> timedelta:
    """Up to a tenth of the interval from the moment towards the nearest one that is the sync's own."""
    place = interval * (sync.pk.int % PLACES / PLACES)
    ahead = ((place - (moment - EPOCH)) % interval) / interval
    off = ahead if ahead <= 0.5 else ahead - 1
    lowest = -FURTHEST if off < -FURTHEST / 2 else 0.0 if off > FURTHEST / 2 else -FURTHEST / 2
    return interval * random.uniform(lowest, lowest + FURTHEST)  # noqa: S311 - jitter, not a secret
