"""Rate limits: how many pass in a window, how long to wait, and who was told to stay away."""

from functools import partial

import pytest

from sandbox.rate import RateLimit, RetryAfterWindows, seconds_of
from sandbox.server import Sandbox
from tests.sandbox.caller import Caller

NOW = 1_750_000_000.0  # Sun, 15 Jun 2025 15:06:40 GMT


def test_lets_so_many_through_in_any_window_of_that_length() -> None:
    seconds = partial(RateLimit().seconds_to_wait, "a", limit=3, window=10.0)

    passed = [at for at in range(40) if seconds(float(at)) is None]

    assert passed == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]


def test_who_waits_as_long_as_told_gets_through() -> None:
    seconds = partial(RateLimit().seconds_to_wait, "a", limit=1, window=60.0)
    seconds(0.0)
    for now in (0.0, 0.4, 30.0, 59.9):
        wait = seconds(now)
        assert wait is not None
        assert wait >= 1
        assert now + wait >= 60.0

    assert seconds(60.0) is None


def test_refused_requests_do_not_make_the_wait_longer() -> None:
    seconds = partial(RateLimit().seconds_to_wait, "a", limit=1, window=10.0)
    seconds(0.0)

    assert [seconds(float(at)) for at in range(1, 10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_limit_of_nothing_refuses_every_request() -> None:
    seconds = partial(RateLimit().seconds_to_wait, "a", limit=0, window=60.0)

    assert [seconds(0.0), seconds(100.0)] == [60, 60]


def test_a_sandbox_that_allows_nothing_says_so(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.rate_per_minute = 0

    reply = caller.page()

    assert (reply.status, reply.headers["retry-after"]) == (429, "60")


def test_each_caller_has_a_limit_of_its_own_and_all_are_forgotten_by_clearing() -> None:
    limit = RateLimit()
    seconds = partial(limit.seconds_to_wait, now=0.0, limit=1, window=60.0)
    assert (seconds("a"), seconds("b"), seconds("a")) == (None, None, 60)

    limit.clear()

    assert seconds("a") is None


def test_strangers_are_not_counted(sandbox: Sandbox) -> None:
    sandbox.settings.rate_per_minute = 1
    stranger = Caller(sandbox.url, token="cog_unknown")

    assert [stranger.page().status for _ in range(3)] == [401, 401, 401]
    stranger.close()


@pytest.mark.parametrize(
    ("at", "inside"), [(9.9, False), (10.0, False), (10.1, True), (14.9, True), (15.0, False), (20.0, False)]
)
def test_a_window_begins_after_a_grace_and_ends_on_time(at: float, inside: bool) -> None:
    windows = RetryAfterWindows()
    windows.announce("a", "5", 10.0, NOW)

    assert windows.contain("a", at, 0.1) is inside
    assert not windows.contain("b", at, 0.1)


def test_a_later_window_does_not_end_an_earlier_one() -> None:
    windows = RetryAfterWindows()
    windows.announce("a", "60", 0.0, NOW)
    windows.announce("a", "1", 1.0, NOW)

    assert windows.contain("a", 30.0, 0.0)
    windows.clear()
    assert not windows.contain("a", 30.0, 0.0)


HEADERS = [
    pytest.param("7", 7.0, id="seconds"),
    pytest.param(" 7 ", 7.0, id="seconds between spaces"),
    pytest.param("0", 0.0, id="no wait"),
    pytest.param("Sun, 15 Jun 2025 15:06:50 GMT", 10.0, id="a date ahead"),
    pytest.param("Sun, 15 Jun 2025 15:06:30 GMT", 0.0, id="a date that has passed"),
    pytest.param("-1", None, id="less than nothing"),
    pytest.param("1.5", None, id="a part of a second"),
    pytest.param("soon", None, id="a word"),
    pytest.param("", None, id="nothing"),
    pytest.param("²", None, id="a superscript"),
    pytest.param("Sun, 15 Jun 99999 15:06:30 GMT", None, id="a year that there is not"),
    pytest.param("9" * 400, None, id="more digits than a number has"),
]


@pytest.mark.parametrize(("header", "seconds"), HEADERS)
def test_what_a_header_asks_for(header: str, seconds: float | None) -> None:
    assert seconds_of(header, NOW) == seconds
