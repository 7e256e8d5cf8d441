"""The engine against the sequential upsert, in four situations, and both against the limit.

The limit is what no program can beat that sends these requests, so many at once, to an API that takes so long for each:
lists one after another, because each page names the next, and writes side by side.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

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
    methods = [entry["method"] for entry in site.sandbox.requests(org_id)]
    lists = methods.count("GET")
    return Measurement(lists // repeats, (len(methods) - lists) // repeats, seconds)
