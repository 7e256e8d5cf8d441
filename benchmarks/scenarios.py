"""The engine against the sequential upsert, in four situations, and both against the limit.

The limit is what no program can beat that sends these requests, so many at once, to an API that takes so long for each:
lists one after another, because each page names the next, and writes side by side.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import sequential_upsert
from benchmarks.site import API_KEY, Site
from benchmarks.subject import Subject, require_equal

BASELINE_ORG = "org-baseline"
# A run that takes a fraction of a second is measured so often; the median counts.
REPEATS = 5


@dataclass(frozen=True)
class Measurement:
    lists: int
    writes: int
    seconds: float
    # How long each replaced key was missing from Devin, where its old secret had to go first.
    absences: tuple[float, ...] = ()

    @property
    def requests(self) -> int:
        return self.lists + self.writes

    def limit(self, latency: float, concurrency: int) -> float:
        return (self.lists + self.writes / concurrency) * latency


@dataclass(frozen=True)
class Comparison:
    title: str
    engine: Measurement
    baseline: Measurement | None


def compare(site: Site, count: int, *, with_baseline: bool) -> Iterator[Comparison]:
    """One after another, each as soon as it is measured."""
    engine = Subject.create(site, "engine")
    site.sandbox.declare(BASELINE_ORG)
    values = {f"SECRET_{number:05}": f"value {number}" for number in range(count)}
    for title, changed in situations(count):
        values |= {key: f"{value}, {title}" for key, value in list(values.items())[:changed]}
        engine.change_source(values)
        repeats = 1 if changed else REPEATS
        measured = measure(site, engine.sync.org_id, engine.run, repeats=repeats)
        require_equal(site, engine.sync.org_id, values)
        baseline = None
        if with_baseline:
            baseline = measure(site, BASELINE_ORG, partial(upsert, site, values))
            require_equal(site, BASELINE_ORG, values)
        yield Comparison(title, measured, baseline)


def situations(count: int) -> list[tuple[str, int]]:
    """Their titles, and how many values change before each."""
    return [
        ("first sync", count),
        ("nothing changed", 0),
        ("1 % changed", max(count // 100, 1)),
        ("everything changed", count),
    ]


def upsert(site: Site, values: dict[str, str]) -> float:
    started = time.perf_counter()
    sequential_upsert.sync(site.sandbox.url, API_KEY, BASELINE_ORG, values)
    return time.perf_counter() - started


def measure(site: Site, org_id: str, run: Callable[[], float], *, repeats: int = 1) -> Measurement:
    site.sandbox.forget_traffic()
    seconds = statistics.median(run() for _ in range(repeats))
    entries = site.sandbox.requests(org_id)
    lists = sum(entry["method"] == "GET" for entry in entries)
    return Measurement(lists // repeats, (len(entries) - lists) // repeats, seconds, absences_in(entries))


def absences_in(entries: Iterable[Mapping[str, Any]]) -> tuple[float, ...]:
    """Of each key, in seconds: from the deletion of its secret until the next one stood."""
    gone: dict[str, float] = {}
    absences = []
    for entry in sorted((one for one in entries if one["committed"]), key=lambda one: float(one["committed"])):
        if entry["method"] == "DELETE":
            gone[entry["key"]] = entry["committed"]
        elif entry["method"] == "POST" and entry["key"] in gone:
            absences.append(entry["committed"] - gone.pop(entry["key"]))
    return tuple(absences)
