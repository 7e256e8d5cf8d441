"""Every page of the admin with the bulk set behind it, held against what a page may cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from benchmarks.estate import Size
from benchmarks.pages import Measured, measure
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
    def slow(self) -> list[Measured]:
        """The slowest first."""
        found = [page for page in self.pages if page.processor > MOST_MEDIANS * self.median]
        return sorted(found, key=lambda page: page.processor, reverse=True)


def size_of(*, syncs: int, runs: int, changes: int, secrets: int) -> Size:
    """`changes` are those of all runs together."""
    return Size(syncs=syncs, runs=runs, secrets=secrets, changes=max(changes // max(runs, 1), 1))


def judge(site: Site, size: Size, verdict: Verdict) -> Iterator[Measured]:
    """Each page as soon as it is measured, noted for the verdict."""
    for page in pages_alone(measure(site, size)):
        verdict.pages.append(page)
        yield page


def pages_alone(measured: Iterable[Measured]) -> Iterator[Measured]:
    """Without the answers of the API, which are named by their methods."""
    return (page for page in measured if not page.name.startswith(("GET ", "POST ")))
