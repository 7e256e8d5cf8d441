"""Processes of ours that give no sign of life."""

from collections.abc import Iterator

import django_rq
from django.urls import reverse
from redis.exceptions import RedisError

from common import clock
from notices.facts import Fact
from syncs.models import SyncControl
from syncs.runs.bells import count_workers
from syncs.runs.queue import QUEUE
from syncs.runs.schedule import SILENT_AFTER


def silent_scheduler() -> Iterator[Fact]:
    """Not where none has ever been. Whoever sees this is a web process."""
    seen = SyncControl.objects.values_list("scheduler_seen_at", flat=True).first()
    if seen is not None and seen < clock.now() - SILENT_AFTER:
        text = f"No scheduler since {seen:%Y-%m-%d %H:%M} UTC: schedules, retries and looks for changes stand still."
        yield Fact("scheduler", "The scheduler is silent", f"{text} Start one.", reverse("admin:index"))


def silent_workers() -> Iterator[Fact]:
    try:
        if count_workers(django_rq.get_queue(QUEUE)):
            return
        text = "No worker gives a sign of life, so no run is carried out. Start workers."
    except (RedisError, OSError):
        text = "The queue does not answer, so runs are not carried out. See whether Valkey runs and REDIS_URL is right."
    yield Fact("workers", "No worker is at work", text, reverse("admin:index"))
