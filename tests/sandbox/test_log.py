"""The request log: what is found again, and under which number."""

import threading
from typing import Any

import pytest

from sandbox.log import LoggedRequest, RequestLog
from sandbox.server import Sandbox
from tests.sandbox.caller import Caller


def entry(seq: int, **fields: Any) -> LoggedRequest:
    usual: dict[str, Any] = {
        "connection": 1,
        "peer": "127.0.0.1",
        "caller": "user-1",
        "method": "GET",
        "path": "/",
        "query": "",
        "org": "org-1",
        "key": None,
        "note": None,
        "secret_id": None,
        "bytes": 10,
        "arrived": 1.0,
        "wall": 1.0,
    }
    return LoggedRequest(seq=seq, **{**usual, **fields})


@pytest.fixture
def log() -> RequestLog:
    log = RequestLog()
    log.add(entry(1))
    log.add(entry(2, method="POST", key="A"))
    log.add(entry(3, method="POST", key="B", org="org-2"))
    log.add(entry(4, method="DELETE", key="A", inside_retry_after=True))
    return log


FOUND: list[Any] = [
    pytest.param((), {}, [1, 2, 3, 4], id="all"),
    pytest.param(("POST",), {}, [2, 3], id="by method"),
    pytest.param((), {"key": "A"}, [2, 4], id="by key"),
    pytest.param(("POST",), {"key": "A"}, [2], id="by both"),
    pytest.param((), {"org": "org-2"}, [3], id="by organization"),
    pytest.param((), {"after": 2}, [3, 4], id="after a number"),
    pytest.param(("PUT",), {}, [], id="of none"),
]


@pytest.mark.parametrize(("arguments", "options", "found"), FOUND)
def test_finds(log: RequestLog, arguments: tuple[str, ...], options: dict[str, Any], found: list[int]) -> None:
    assert [entry.seq for entry in log.requests(*arguments, **options)] == found


def test_counts_and_tells_writes_and_who_came_too_early(log: RequestLog) -> None:
    assert log.counts() == {"GET": 1, "POST": 2, "DELETE": 1}
    assert [entry.seq for entry in log.writes()] == [2, 3, 4]
    assert [entry.seq for entry in log.too_early()] == [4]


def test_begins_anew_once_it_is_cleared(log: RequestLog) -> None:
    assert [log.next_seq(), log.next_seq()] == [1, 2]

    log.clear()

    assert (log.requests(), log.counts(), log.next_seq()) == ([], {}, 1)


def test_what_was_found_does_not_change_under_the_reader(log: RequestLog) -> None:
    found = log.requests()
    log.add(entry(5))

    assert len(found) == 4


def test_gives_each_request_a_number_of_its_own_from_many_threads(sandbox: Sandbox) -> None:
    def send() -> None:
        caller = Caller(sandbox.url)
        for _ in range(5):
            caller.page()
        caller.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = sandbox.log.requests()
    assert sorted(entry.seq for entry in entries) == list(range(1, 31))
    assert len({entry.connection for entry in entries}) == 6


def test_writes_down_a_request_without_a_key_or_a_route(sandbox: Sandbox) -> None:
    stranger = Caller(sandbox.url, token=None)
    stranger.send("GET", "/v3/elsewhere?first=2")
    stranger.close()

    (only,) = sandbox.log.requests()

    assert (only.caller, only.org, only.path, only.query, only.status) == (None, None, "/v3/elsewhere", "first=2", 401)


def test_pages_and_control_routes_are_no_requests_to_the_api(sandbox: Sandbox, caller: Caller) -> None:
    caller.send("GET", "/")
    caller.send("GET", "/_sandbox/log")

    assert sandbox.log.requests() == []


def test_a_refused_write_has_not_committed(sandbox: Sandbox, caller: Caller) -> None:
    caller.create("A")
    caller.create("A")

    first, second = sandbox.log.writes()
    assert first.committed is not None
    assert (second.status, second.committed, second.secret_id) == (409, None, None)


def test_shows_all_of_an_entry_to_another_process(log: RequestLog) -> None:
    shown = log.requests()[3].as_json()

    assert (shown["seq"], shown["inside_retry_after"], shown["committed"]) == (4, True, None)
