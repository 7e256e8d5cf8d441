"""What is said of an outage: which changes it held up, and until when."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.fleet import Change
from benchmarks.outages import Mark, Outage, Trial, arrival_of, outages_of


def change(answered: float, took: float = 0.1) -> Change:
    return Change("org", "KEY", answered, took)


@pytest.mark.parametrize(
    ("arrived", "at"),
    [
        pytest.param([12.0], 12.0, id="after the answer"),
        pytest.param([9.95], 10.0, id="read before its sender had the answer: no sooner than that"),
        pytest.param([3.0, 14.0, 12.0], 12.0, id="the first that is not an earlier value"),
        pytest.param([3.0], None, id="an earlier value alone"),
        pytest.param([], None, id="never"),
    ],
)
def test_when_a_change_arrived(arrived: list[float], at: float | None) -> None:
    assert arrival_of(change(10.0), {("org", "KEY"): arrived}) == at


@pytest.fixture
def tell() -> Callable[..., list[Outage]]:
    """What is said of the first outage, at 100, and of the second, at 200."""

    def tell(*known: tuple[float, float], refused: tuple[int, ...] = ()) -> list[Outage]:
        marks = [Mark("first", 100.0, 0, 1.0), Mark("second", 200.0, min(2, len(refused)), 1.0)]
        trial: Any = SimpleNamespace(marks=marks, client=SimpleNamespace(refused=list(refused)))
        return list(outages_of(_as_trial(trial), [(change(answered), at) for answered, at in known]))

    return tell


def _as_trial(trial: Any) -> Trial:
    return trial  # type: ignore[no-any-return]


def test_each_change_counts_where_it_was_answered(tell: Callable[..., list[Outage]]) -> None:
    first, second = tell((110.0, 111.0), (199.0, 202.0), (200.0, 200.5))

    assert (first.lags, second.lags) == ([1.0, 3.0], [0.5])
    assert (first.recovered, second.recovered) == (0.0, 0.0)


def test_an_outage_is_over_when_the_last_arrived_that_it_held_up(tell: Callable[..., list[Outage]]) -> None:
    """Also one that was answered before."""
    first, second = tell((99.0, 130.0), (110.0, 125.0), (150.0, 151.0), (205.0, 240.0))

    assert (first.recovered, second.recovered) == (30.0, 40.0)


def test_what_was_refused_is_told_by_its_status(tell: Callable[..., list[Outage]]) -> None:
    first, second = tell(refused=(503, 503, 0, 503))

    assert (first.refused, second.refused) == ({503: 2}, {0: 1, 503: 1})
