"""How many syncs a minute a few workers carry out: each of 20 unchanged secrets, each to an organization of its own."""

import statistics
import time
from dataclasses import dataclass

from benchmarks.reaction import wait_until
from benchmarks.site import Site
from benchmarks.subject import Disagreement, Subject
from syncs.choices import Status
from syncs.models import SyncRun

SECRETS = 20
ROUNDS = 3
PATIENCE = 600.0


@dataclass(frozen=True)
class Throughput:
    syncs: int
    workers: int
    seconds: float

    @property
    def per_minute(self) -> float:
        return 60 * self.syncs / self.seconds


def measure(site: Site, *, syncs: int, workers: int) -> Throughput:
    """The median of a few rounds, after one that writes the secrets."""
    subjects = [Subject.create(site, f"throughput-{number}") for number in range(syncs)]
    with site.workers(workers):
        for subject in subjects:
            subject.change_source({f"SECRET_{number}": "value" for number in range(SECRETS)})
        wait_until_idle()
        return Throughput(syncs, workers, statistics.median(time_round(subjects) for _ in range(ROUNDS)))


def time_round(subjects: list[Subject]) -> float:
    """From the first request for a run to the end of the last run."""
    started = time.perf_counter()
    runs = [subject.request_run().pk for subject in subjects]
    wait_until_idle()
    seconds = time.perf_counter() - started
    if SyncRun.objects.filter(pk__in=runs, status=Status.SUCCEEDED).count() != len(runs):
        raise Disagreement("Not every run succeeded.")
    return seconds


def wait_until_idle() -> None:
    wait_until(
        lambda: not SyncRun.objects.filter(finished_at__isnull=True).exists(), "all runs to end", patience=PATIENCE
    )
