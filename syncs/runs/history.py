"""How long runs, what they changed and closed intents are kept, and how they go: children first, few at a time.

A run with an open intent stays: the intent may hold the only copy of a value that Devin lacks. So does the last run of
a sync: since then there has been nothing to tell.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.cleaning import CHUNK, delete_some, register_cleaner
from syncs.choices import OPEN_STATUSES
from syncs.models import DevinSync, SyncRun, SyncRunChange, WriteIntent

KEEP_INTENTS = timedelta(days=7)
RUNS_AT_ONCE = 100


def register() -> None:
    register_cleaner("closed intents", clean_intents)
    register_cleaner("ended runs", clean_runs)


def clean_intents() -> bool:
    """Closed a week ago: nobody asks of them any more."""
    old = WriteIntent.objects.filter(closed_at__lt=timezone.now() - KEEP_INTENTS)
    return delete_some(old.order_by("closed_at"))


def clean_runs() -> bool:
    """One chunk of the changes of the oldest runs, or, once they have none, the runs themselves."""
    run_ids = list(expired_runs().values_list("pk", flat=True)[:RUNS_AT_ONCE])
    if not run_ids:
        return False
    return _clean_changes(run_ids) or _clean_rows(run_ids)


def expired_runs() -> QuerySet[SyncRun]:
    """In the order of an index: none ends before it is queued."""
    end = timezone.now() - settings.HISTORY_KEPT
    ended = SyncRun.objects.filter(queued_at__lt=end, finished_at__lt=end).exclude(status__in=OPEN_STATUSES)
    unsettled = WriteIntent.objects.open().filter(run_id__isnull=False).values("run_id")
    shown = DevinSync.objects.filter(Q(last_sync_run_id=OuterRef("pk")) | Q(last_remove_run_id=OuterRef("pk")))
    return ended.exclude(pk__in=unsettled).exclude(Exists(shown.filter(pk=OuterRef("sync")))).order_by("queued_at")


@transaction.atomic
def _clean_changes(run_ids: list[UUID]) -> bool:
    changes = SyncRunChange.objects.filter(run_id__in=run_ids).order_by("run_id")
    keys = list(changes.values_list("pk", flat=True)[:CHUNK])
    if not keys:
        return False
    WriteIntent.objects.filter(change_id__in=keys).update(change=None)
    rows = SyncRunChange.objects.filter(pk__in=keys)
    # Not delete(): it would look up and load what refers to them.
    rows._raw_delete(rows.db)
    return True


@transaction.atomic
def _clean_rows(run_ids: list[UUID]) -> bool:
    intents = WriteIntent.objects.filter(run_id__in=run_ids)
    if delete_some(intents.order_by("run_id")):
        return True
    SyncRun.objects.filter(pk__in=run_ids).delete()
    return True
