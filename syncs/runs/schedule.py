"""What is due: runs that nobody has rung for or that the queue lost, and reconciles. Called by the scheduler process,
or by two.

Everything is claimed by filtered updates or under the lock of the rows, so a second scheduler changes nothing.
"""

from datetime import timedelta
from itertools import takewhile
from uuid import UUID

from common import clock
from common.cleaning import cleaning
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs.ask_many import request_runs
from syncs.runs.clock_change import after_the_clock_was_set_back
from syncs.runs.due import abandoned
from syncs.runs.queue import ROWS, noting_together, ring

NOTE_EVERY = timedelta(seconds=15)
SET_BACK = timedelta(seconds=5)
SILENT_AFTER = timedelta(seconds=60)
# Reconciles that one tick starts; the next tick, a second later, starts as many again.
RECONCILES_AT_ONCE = 1000


def note_alive() -> None:
    """For the overview: without a scheduler, what is to start later does not start.

    The noted time tells too that the clock has been set back since.
    """
    now = clock.now()
    seen = SyncControl.get().scheduler_seen_at
    if seen is not None and seen > now + SET_BACK:
        # It was noted up to so long before.
        after_the_clock_was_set_back(seen - now + NOTE_EVERY)
    SyncControl.objects.exclude(scheduler_seen_at__range=(now - NOTE_EVERY, now)).update(scheduler_seen_at=now)


def tick() -> int:
    """Rings for every run that is due; returns how many."""
    if SyncControl.get().is_paused:
        return 0
    start_due_reconciles()
    return ring_all(due_runs())


def due_runs() -> list[tuple[UUID, UUID | None]]:
    """Oldest first, each with the project of its sync."""
    rows = (SyncRun.objects.due(), abandoned())
    return [due for found in rows for due in found.order_by("queued_at").values_list("pk", "sync__project_id")]


def ring_all(due: list[tuple[UUID, UUID | None]]) -> int:
    """How many the queue heard of. It is not asked again in this tick once it did not answer."""
    with noting_together():
        return sum(1 for _ in takewhile(lambda run: ring(*run), due))


def start_due_reconciles() -> None:
    due = DevinSync.objects.due().order_by("next_reconcile_at").values_list("pk", flat=True)[:RECONCILES_AT_ONCE]
    sync_ids = list(due)
    for start in range(0, len(sync_ids), ROWS):
        request_runs(sync_ids[start : start + ROWS], trigger=Trigger.SCHEDULE, is_quiet=True)


def sweep() -> None:
    """All of the cleaning at once."""
    for _ in cleaning():
        pass
