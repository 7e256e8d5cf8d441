"""Reads of one moment that are shared, and those that must not be."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sources.infisical.flights import Flights
from tests.patience import PATIENCE, wait_until


def test_who_asks_before_the_request_leaves_shares_its_answer() -> None:
    flights: Flights[object] = Flights()
    may_leave, reads = threading.Event(), []

    def read(leave: Callable[[], None]) -> object:
        reads.append(1)
        assert may_leave.wait(PATIENCE)
        leave()
        return object()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(flights.fly, "a", read)]
        wait_until(lambda: reads)
        arrived = threading.Barrier(8)

        def join() -> object:
            arrived.wait(PATIENCE)
            return flights.fly("a", read)

        asked += [pool.submit(join) for _ in range(7)]
        arrived.wait(PATIENCE)
        # Whoever is late does a read of their own, which ends as well.
        may_leave.set()
        answers = {id(each.result(PATIENCE)) for each in asked}

    assert len(answers) == len(reads)


def test_who_asks_after_it_has_left_asks_anew() -> None:
    """What changed since stands in no answer that is already on its way."""
    flights: Flights[int] = Flights()
    reads: list[int] = []

    def second(leave: Callable[[], None]) -> int:
        reads.append(2)
        return 2

    def first(leave: Callable[[], None]) -> int:
        reads.append(1)
        leave()
        assert flights.fly("a", second) == 2
        return 1

    assert flights.fly("a", first) == 1
    assert reads == [1, 2]


def test_others_are_not_held_up() -> None:
    flights: Flights[str] = Flights()

    assert flights.fly("a", lambda leave: flights.fly("b", lambda leave: "b")) == "b"


def test_nothing_is_kept_and_an_error_is_everybodys() -> None:
    flights: Flights[int] = Flights()

    def fail(leave: Callable[[], None]) -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        flights.fly("a", fail)
    assert flights.fly("a", lambda leave: 2) == 2
