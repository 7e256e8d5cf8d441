"""Every page of the admin with the bulk set behind it, held against what a page may cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from statistics import median

from benchmarks.estate import Size
from benchmarks.pages import Measured, admin_pages, set_out
from benchmarks.site import Site

MOST_QUERIES = 25
MOST_MEDIANS = 3


@dataclass
class Verdict:
    """Takes the processor's time, of which other programs of the machine take none away."""

    pages: list[Measured] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(page.processor for page in self.pages) if self.pages else 0.0

    @property
    def with_many_queries(self) -> list[Measured]:
        return [page for page in self.pages if page.queries > MOST_QUERIES]

    @property
    def holds(self) -> bool:
        return not self.with_many_queries and not self.slow

    @property
    def slow(self) -> list[Measured]:
        """The slowest first."""
        found = [page for page in self.pages if page.processor > MOST_MEDIANS * self.median]
        return sorted(found, key=lambda page: page.processor, reverse=True)


def size_of(*, syncs: int, runs: int, changes: int, secrets: int) -> Size:
    """`changes` are those of all runs together."""
    return Size(syncs=syncs, runs=runs, secrets=secrets, changes=max(changes // max(runs, 1), 1))


def judge(site: Site, size: Size, rounds: int) -> Verdict:
    """By walking past all pages so many times: what keeps the machine busy for a while spoils no page each time."""
    walk = set_out(site, size)
    pages = list(admin_pages(walk.estate))
    return Verdict(best_of([walk.ask(*page) for page in pages] for _ in range(rounds)))


def best_of(rounds: Iterable[Iterable[Measured]]) -> list[Measured]:
    """Of each that answers with a page, the time that took least of the processor."""
    best: dict[str, Measured] = {}
    for page in chain.from_iterable(rounds):
        known = best.setdefault(page.name, page)
        if page.processor < known.processor:
            best[page.name] = page
    return [page for page in best.values() if page.status == 200]
