"""The gate: how many at once, none while it is closed, the oldest first."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from socket import socket

import pytest

from connections.devin.gate import Gate, GateClosed
from tests.connections.devin.conftest import Clock, open_client
from tests.connections.servers import Received, created, page, reply, serving
from tests.patience import PATIENCE, wait_until


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(4, wait=clock.wait, clock=clock)


def enter(gate: Gate, longest_wait: float = 60) -> None:
    gate.enter(gate.new_turn(), longest_wait=longest_wait)


def test_sends_nothing_while_closed(gate: Gate, clock: Clock) -> None:
    gate.close_for(5)

    enter(gate)

    assert clock.pauses == [5]


def test_a_shorter_wait_does_not_open_it_early(gate: Gate, clock: Clock) -> None:
    gate.close_for(5)
    gate.close_for(1)

    enter(gate)

    assert clock.pauses == [5]


def test_stays_closed_when_it_is_closed_again_meanwhile(gate: Gate, clock: Clock) -> None:
    gate.close_for(5)
    waits = []

    def close_again(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds
        if len(waits) == 1:
            gate.close_for(3)

    gate._wait = close_again
    enter(gate)

    assert waits == [5, 3]


def test_says_at_once_that_a_wait_is_too_long(gate: Gate, clock: Clock) -> None:
    gate.close_for(61)

    with pytest.raises(GateClosed) as caught:
        enter(gate)

    assert (caught.value.seconds, clock.pauses) == (61, [])


def test_requests_under_way_together_shrink_it_once(gate: Gate) -> None:
    turns = [gate.new_turn() for _ in range(4)]
    for turn in turns:
        gate.enter(turn, longest_wait=60)

    for turn in turns:
        gate.shrink(turn)

    assert (gate.size, gate.rate_limited) == (2, 4)


def test_whoever_stops_waiting_lets_the_next_go(gate: Gate) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    gate.close_for(5)
    oldest, next_one = gate.new_turn(), gate.new_turn()
    wait, gate._wait = gate._wait, stop
    with pytest.raises(KeyboardInterrupt):
        gate.enter(oldest, longest_wait=60)
    gate._wait = wait

    gate.enter(next_one, longest_wait=60)


# Through the client, over real sockets and in real time


class SecondTime:
    """A server that has room for a secret only when it is asked again, and says so by a 429 that is no wait worth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: set[str] = set()

    def __call__(self, request: Received, _: socket) -> bytes:
        key = request.json["key"]
        with self._lock:
            if key in self._refused:
                return reply(200, created(request))
            self._refused.add(key)
        return reply(429, Retry_After="0.001")


def test_everything_arrives_through_a_narrow_limit() -> None:
    with serving(SecondTime()) as server, ThreadPoolExecutor(8) as threads:
        client = open_client(server.url, concurrency=4)

        def create(number: int) -> object:
            return client.create_secret("org-1", key=f"K_{number}", value="v", note="")

        assert len(list(threads.map(create, range(40)))) == 40

    assert len(server.requests) == 80
    assert client.concurrency_now == 1


def test_nothing_is_sent_inside_a_retry_after_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads, one 429: those already under way apart, all others wait for the end of the window."""
    closed: list[tuple[float, float]] = []
    close_for, numbers = Gate.close_for, itertools.count(1)

    def close(gate: Gate, seconds: float) -> None:
        before = time.monotonic()
        close_for(gate, seconds)
        closed.append((time.monotonic(), before + seconds))

    def answer(request: Received, _: socket) -> bytes:
        return reply(429, Retry_After="1") if next(numbers) == 10 else reply(200, page([]))

    monkeypatch.setattr(Gate, "close_for", close)
    with serving(answer) as server, ThreadPoolExecutor(8) as threads:
        client = open_client(server.url, concurrency=8)
        list(threads.map(lambda _: client.list_secrets("org-1"), range(40)))

    [(since, until)] = closed
    assert len([request for request in server.requests if since < request.at < until]) <= 7
    assert len(server.requests) == 41


def test_a_request_stopped_by_the_window_at_the_last_moment_waits_for_its_end() -> None:
    """It has passed the gate and is waiting for the fence when another thread's 429 arrives."""
    passed = threading.Event()
    go_on = threading.Event()

    def fence() -> None:
        if not passed.is_set():
            passed.set()
            go_on.wait(PATIENCE)

    clock = Clock()
    with serving(lambda request, _: reply(200, created(request))) as server, ThreadPoolExecutor(2) as threads:
        client = open_client(server.url, clock=clock, fence=fence)
        first = threads.submit(client.create_secret, "org-1", key="A", value="v", note="")
        passed.wait(PATIENCE)
        second = threads.submit(client.create_secret, "org-1", key="B", value="v", note="")
        wait_until(lambda: server.connections == 2)
        client._gate.close_for(7)
        go_on.set()
        first.result()
        second.result()

    assert sorted(request.json["key"] for request in server.requests) == ["A", "B"]
    assert set(clock.pauses) == {7}


def test_a_fence_stops_writes_and_not_reads() -> None:
    class LeaseLost(Exception):
        pass

    def fence() -> None:
        raise LeaseLost

    with serving(lambda request, _: reply(200, page([]))) as server:
        client = open_client(server.url, fence=fence)
        client.list_secrets("org-1")
        for write in (
            lambda: client.create_secret("org-1", key="A", value="v", note=""),
            lambda: client.delete_secret("org-1", "secret-1"),
        ):
            with pytest.raises(LeaseLost):
                write()

    assert [request.method for request in server.requests] == ["GET"]
    assert client.requests_sent == 1
