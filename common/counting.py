"""What processes count while they work: how often something happened, and how long it took.

Counting is an addition in memory: it costs no statement, waits for nothing and cannot fail. What has been added is
handed over every few seconds (`start_saving`) to whoever keeps the totals of all processes (`save_by`), so a process
that is killed takes a few seconds' counts with it, and nothing else is lost.

Labels are bounded: each lists its values, and any other counts as `other`, whatever a server answers.
"""

import itertools
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

log = logging.getLogger(__name__)

OTHER = "other"
SAVE_EVERY = 10.0
# A name, then its labels in the order in which they were declared.
Series = tuple[str, tuple[tuple[str, str], ...]]
Labels = Mapping[str, Sequence[str]]
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
ENDLESS = "+Inf"


class Tally:
    """What was added since it was last taken. May be shared by threads; a fork starts with nothing."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._added: defaultdict[Series, float] = defaultdict(float)

    def add(self, amounts: Mapping[Series, float]) -> None:
        with self._lock:
            for series, amount in amounts.items():
                self._added[series] += amount

    def take(self) -> dict[Series, float]:
        with self._lock:
            taken, self._added = self._added, defaultdict(float)
        return dict(taken)


tally = Tally()
_declared: "dict[str, Counter | Histogram]" = {}


@dataclass(frozen=True)
class Counter:
    """Only ever grows. `labels` gives the values of each; the name ends in `_total`."""

    name: str
    what: str
    labels: Labels = field(default_factory=dict)

    def __post_init__(self) -> None:
        _declared[self.name] = self

    def add(self, amount: float = 1, **labels: str) -> None:
        if amount:
            tally.add({(self.name, bounded(self.labels, labels)): amount})


@dataclass(frozen=True)
class Histogram:
    """How long something took, in seconds: a count for each bucket, each without those below it, and the sum."""

    name: str
    what: str
    labels: Labels = field(default_factory=dict)
    buckets: Sequence[float] = SECONDS

    def __post_init__(self) -> None:
        _declared[self.name] = self

    def observe(self, seconds: float, **labels: str) -> None:
        known = bounded(self.labels, labels)
        seconds = max(seconds, 0.0)
        bucket = next((f"{float(each)}" for each in self.buckets if seconds <= each), ENDLESS)
        tally.add({(self.name, (*known, ("le", bucket))): 1, (f"{self.name}_sum", known): seconds})

    @contextmanager
    def timed(self, **labels: str) -> Iterator[None]:
        """However it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.observe(time.monotonic() - began, **labels)


def bounded(declared: Labels, given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Raises KeyError where a label is not given."""
    return tuple((name, given[name] if given[name] in values else OTHER) for name, values in declared.items())


def combinations(labels: Labels) -> Iterator[tuple[tuple[str, str], ...]]:
    """Every set of values that labels may have, but for `other`."""
    names = list(labels)
    for values in itertools.product(*labels.values()):
        yield tuple(zip(names, values, strict=True))


def declared() -> "list[Counter | Histogram]":
    """In the order of their names; of the modules that this process has loaded."""
    return [_declared[name] for name in sorted(_declared)]


# Handing over

Save = Callable[[Mapping[Series, float]], None]
_savers: list[Save] = []


def save_by(save: Save) -> None:
    """`save` adds what it is given to the totals, whole or not at all: where it raises, it is given the same again."""
    _savers[:] = [save]


def save_now() -> bool:
    """Whether all that was counted is among the totals now."""
    added = tally.take()
    if not added or not _savers:
        return True
    try:
        _savers[0](added)
    except Exception as error:
        # Counts are no reason to end anything; they wait for the next time.
        tally.add(added)
        log.warning("could not save what was counted (%s); it is kept until the next time", type(error).__name__)
        return False
    return True


def start_saving() -> None:
    """For a process that goes on for long. Call it after the last fork; its end calls `save_now`."""
    threading.Thread(target=_save_again_and_again, name="counting", daemon=True).start()


def _save_again_and_again() -> None:
    while True:
        time.sleep(SAVE_EVERY)
        save_now()
        # A thread that writes so seldom keeps no connection of the server's for itself.
        connections.close_all()
