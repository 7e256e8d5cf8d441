"""An installation at work for hours, at a slow and steady rate: what grows.

Each minute's changes are sent, awaited and looked for in Devin; then everything is sampled at rest. At the end each
organization is compared with its sources, value by value.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import django_rq
from django.conf import settings
from django.db import connection

from benchmarks.fleet import (
    Load,
    Sender,
    build_for,
    check,
    endless_changes,
    first_sync,
    issue_token,
    lags_of,
    posts,
    wait_until_idle,
)
from benchmarks.site import Footprint, Site
from syncs.models import SyncRun

SYNCS_AN_ORGANIZATION = 5
MINUTE = 60.0
# The share of each minute in which changes are sent; the rest is for what they have set off.
SENDING = 5 / 6
WARM_UP = 0.25


@dataclass(frozen=True)
class Sample:
    """At rest after one minute's changes: bytes, counts and seconds."""

    minutes: float
    footprints: dict[str, Footprint]
    database: int
    queue: int
    runs: int
    refused: int
    lags: list[float]

    def sizes(self) -> dict[str, float]:
        """All that could grow, by name."""
        found: dict[str, float] = {"database": self.database, "Valkey": self.queue}
        for name, footprint in self.footprints.items():
            found |= {name: footprint.memory, f"{name}, threads": footprint.threads, f"{name}, files": footprint.files}
        return found


@dataclass(frozen=True)
class Soak:
    load: Load
    hours: float
    samples: list[Sample]

    def growth(self) -> dict[str, float]:
        """An hour, by what grows, once the installation was warm."""
        warm = self.samples[int(len(self.samples) * WARM_UP) :]
        names = dict.fromkeys(name for sample in warm for name in sample.sizes())
        return {name: slope([(s.minutes / 60, s.sizes()[name]) for s in warm if name in s.sizes()]) for name in names}


def measure(site: Site, load: Load, *, workers: int, note: Callable[[Sample], None]) -> Soak:
    """`note` is told each sample as it is taken, so that what was seen survives an end before the end."""
    members = build_for(site, load)
    samples: list[Sample] = []
    period = min(MINUTE, load.seconds)
    with site.workers(workers) as processes, site.web() as web:
        first_sync(members)
        token, changes, began = issue_token(), endless_changes(members), time.monotonic()
        while time.monotonic() - began < load.seconds:
            time.sleep(max(0.0, began + len(samples) * period - time.monotonic()))
            sender, runs = Sender(web.address, token), SyncRun.objects.count()
            site.sandbox.forget_traffic()
            sender.keep_up(changes, load.changes_a_second / SENDING, period * SENDING)
            wait_until_idle()
            lags = lags_of(sender.accepted, posts(site))
            minutes = (time.monotonic() - began) / MINUTE
            footprints = processes.footprints() | web.processes.footprints()
            runs, refused = SyncRun.objects.count() - runs, len(sender.refused)
            samples.append(Sample(minutes, footprints, database_size(), queue_size(), runs, refused, lags))
            note(samples[-1])
        check(site, members)
    return Soak(load, (time.monotonic() - began) / 3600, samples)


def database_size() -> int:
    """Bytes, of SQLite with its write-ahead log."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(settings.DATABASES["default"]["NAME"])
    return sum(size_of(name + suffix) for suffix in ("", "-wal"))


def size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0


def queue_size() -> int:
    return int(django_rq.get_connection("default").info("memory")["used_memory"])


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line with the least squares; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread if spread else 0.0
