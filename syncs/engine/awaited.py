"""Deletions that wait until another sync's source can be read: who is asked to run once it can.

The waiting run has marked that other sync as awaited, so that whoever reads its source pays nothing to know.
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from syncs.choices import Outcome, Status
from syncs.models import Destination, DevinSync, SyncRun


@transaction.atomic
def ring_who_waits(awaited: DevinSync, destination: Destination, ring: Callable[[SyncRun], object]) -> None:
    """The awaited sync's source has just been read: `ring` asks for what those runs have left.

    One that waits for yet another source notes so anew.
    """
    if DevinSync.objects.filter(pk=awaited.pk, is_awaited=True).update(is_awaited=False):
        ring_waiting_at(destination, ring)


@transaction.atomic
def ring_waiting_at(destination: Destination, ring: Callable[[SyncRun], object]) -> None:
    """In the order in which everybody locks syncs."""
    for run in _waiting_at(destination).order_by("sync_id"):
        ring(run)


def _waiting_at(destination: Destination) -> QuerySet[SyncRun]:
    """The last runs of syncs, where they hold deletions for another one."""
    later = SyncRun.objects.filter(sync=OuterRef("sync"), queued_at__gt=OuterRef("queued_at"))
    held = SyncRun.objects.filter(destination=destination, sync__isnull=False, changes__outcome=Outcome.HELD_BACK)
    is_outdated = Exists(later.exclude(status=Status.CANCELLED))
    return held.exclude(is_outdated).select_related("sync").distinct()
