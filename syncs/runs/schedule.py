"""What is due: runs that the queue lost, reconciles, and old rows to sweep. Called by the scheduler process, or by two.

Everything is claimed by filtered updates, so a second scheduler changes nothing.
"""

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from syncs.choices import OPEN_STATUSES, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncControl, SyncRun, WriteIntent
from syncs.runs.ask import request_run
from syncs.runs.due import abandoned, next_reconcile
from syncs.runs.queue import ring

KEEP_INTENTS = timedelta(days=7)
NOTE_EVERY = timedelta(seconds=15)
SILENT_AFTER = timedelta(seconds=60)


def note_alive() -> None:
    """For the overview: without a scheduler, what is to start later does not start."""
    now = timezone.now()
    SyncControl.get()
    SyncControl.objects.exclude(scheduler_seen_at__gt=now - NOTE_EVERY).update(scheduler_seen_at=now)


def tick() -> int:
    """Rings for every run that is due; returns how many."""
    if SyncControl.get().is_paused:
        return 0
    start_due_reconciles()
    oldest_first = [rows.order_by("queued_at").only("pk")[:100] for rows in (SyncRun.objects.due(), abandoned())]
    due = [run.pk for rows in oldest_first for run in rows]
    return sum(ring(run_id) for run_id in due)


def start_due_reconciles() -> None:
    for sync in DevinSync.objects.due().select_related("folder", "folder__environment"):
        # One that was disabled or lost its source since it was found is not due any more.
        with suppress(NotRunnable), transaction.atomic():
            claimed = DevinSync.objects.filter(pk=sync.pk, next_reconcile_at=sync.next_reconcile_at).update(
                next_reconcile_at=next_reconcile(sync)
            )
            if claimed:
                request_run(sync, trigger=Trigger.SCHEDULE)


def sweep() -> None:
    """Deletes closed intents after a week, and runs once they are older than the history is kept.

    A run with an open intent stays: the intent may hold the only copy of a value that Devin lacks.
    """
    now = timezone.now()
    WriteIntent.objects.filter(closed_at__lt=now - KEEP_INTENTS).delete()
    old = SyncRun.objects.filter(finished_at__lt=now - settings.HISTORY_KEPT).exclude(status__in=OPEN_STATUSES)
    old.exclude(pk__in=WriteIntent.objects.open().values("run_id")).delete()
