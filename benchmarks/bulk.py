"""Every page of the admin with the bulk set behind it, held against what a page may cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from statistics import median

from benchmarks.estate import Size
from benchmarks.pages import Measured, admin_pages, set_out
from benchmarks.site import Site

MOST_QUERIES = 25
MOST_MEDIANS = 3


@dataclass
class Verdict:
    """Pages are compared by their effort, which a machine that is busy changes little."""

    pages: list[Measured] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(page.effort for page in self.pages) if self.pages else 0.0

    def medians(self, page: Measured) -> float:
        """How many times the median page it takes."""
        return page.effort / self.median

    @property
    def with_many_queries(self) -> list[Measured]:
        return [page for page in self.pages if page.queries > MOST_QUERIES]

    @property
    def holds(self) -> bool:
        return not self.with_many_queries and not self.slow

    @property
    def slow(self) -> list[Measured]:
        return [page for page in self.slowest if self.medians(page) > MOST_MEDIANS]

    @property
    def slowest(self) -> list[Measured]:
        return sorted(self.pages, key=lambda page: page.effort, reverse=True)


def size_of(*, syncs: int, runs: int, changes: int, secrets: int) -> Size:
    """`changes` are those of all runs together."""
    return Size(syncs=syncs, runs=runs, secrets=secrets, changes=max(changes // max(runs, 1), 1))


def judge(site: Site, size: Size, rounds: int) -> Verdict:
    """By walking past all pages so many times: what keeps the machine busy for a while spoils no page each time."""
    walk = set_out(site, size)
    pages = list(admin_pages(walk.estate))
    return Verdict(middle_of([walk.ask(*page) for page in pages] for _ in range(rounds)))


def middle_of(rounds: Iterable[Iterable[Measured]]) -> list[Measured]:
    """Of each that answers with a page, what it took at its best, and the effort that is the median of all rounds."""
    asked: dict[str, list[Measured]] = {}
    for page in chain.from_iterable(rounds):
        asked.setdefault(page.name, []).append(page)
    return [
        replace(min(each, key=lambda page: page.processor), effort=median(page.effort for page in each))
        for each in asked.values()
        if each[0].status == 200
    ]
