"""Waiting looks at once, again after growing pauses, and once more when the time is up."""

import pytest

from common import waiting
from common.waiting import wait_for


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def test_what_is_so_already_takes_no_time(clock: Clock) -> None:
    assert wait_for(lambda: True, seconds=0)
    assert clock.pauses == []


def test_ends_as_soon_as_it_is_so(clock: Clock) -> None:
    assert wait_for(lambda: clock.now >= 100.05, seconds=60)
    assert clock.now < 100.2


def test_pauses_grow_up_to_the_longest(clock: Clock) -> None:
    assert not wait_for(lambda: False, seconds=10, longest_pause=0.3)
    assert clock.pauses[:3] == pytest.approx([0.02, 0.03, 0.045])
    assert max(clock.pauses) == 0.3


def test_looks_once_more_at_the_very_end(clock: Clock) -> None:
    looked_at: list[float] = []

    def look() -> bool:
        looked_at.append(clock.now)
        return False

    assert not wait_for(look, seconds=0.1)
    assert looked_at[-1] == pytest.approx(100.1)


def test_what_comes_true_in_the_last_pause_counts(clock: Clock) -> None:
    assert wait_for(lambda: clock.now >= 100.1, seconds=0.1)
