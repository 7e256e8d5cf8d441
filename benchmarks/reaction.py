"""How long after a vault change is committed the first request reaches Devin, through queue, worker and engine."""

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction

from benchmarks.site import Site
from benchmarks.subject import Subject
from common.waiting import wait_for
from syncs.models import SyncRun

SECRETS = 20
# Longer than settings.SYNC_QUIET_TIME: a change that follows a run more closely than that waits for others on purpose.
PAUSE = 1.2
PATIENCE = 30.0
LOOK_EVERY = 0.02


def measure(site: Site, samples: int) -> list[float]:
    """Seconds, a sample each, on one warm worker."""
    subject = Subject.create(site, "reaction")
    with site.workers(1):
        values = {f"SECRET_{number}": "first" for number in range(SECRETS)}
        time_change(site, subject, values)
        return [time_change(site, subject, {"SECRET_0": f"sample {number}"}) for number in range(samples)]


def time_change(site: Site, subject: Subject, values: dict[str, str]) -> float:
    site.sandbox.forget_traffic()
    committed_at: list[float] = []
    with transaction.atomic():
        # Called before the callbacks that ring for the run, because it is registered before them.
        transaction.on_commit(lambda: committed_at.append(time.monotonic()))
        subject.change_source(values)
    wait_until_done(subject)
    arrived = float(first_request(site, subject)["arrived"])
    time.sleep(PAUSE)
    return arrived - committed_at[0]


def wait_until_done(subject: Subject) -> None:
    going_on = SyncRun.objects.filter(sync=subject.sync, finished_at__isnull=True)
    wait_until(lambda: not going_on.exists(), "the run to end")


def first_request(site: Site, subject: Subject) -> dict[str, Any]:
    return site.sandbox.requests(subject.sync.org_id)[0]


def wait_until(is_so: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    if not wait_for(is_so, seconds=patience, longest_pause=LOOK_EVERY):
        raise TimeoutError(f"Waited {patience:.0f} s for {what}.")
