"""Each fault once, as a plain caller meets it: what comes back, and what has become of the secret."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from sandbox.faults import AMBIGUOUS, Case, Faults
from sandbox.server import Sandbox
from tests.patience import PATIENCE, wait_until
from tests.sandbox.caller import Caller


def held_by(sandbox: Sandbox) -> list[str | None]:
    return [secret.key for secret in sandbox.organization().secrets()]


ANSWERS = [
    pytest.param({"kind": "status", "status": 503, "headers": {"X-Why": "now"}}, 503, [], id="a status before"),
    pytest.param({"kind": "status", "status": 500, "moment": "after"}, 500, ["K"], id="a status after the commit"),
    pytest.param({"kind": "rate_limited", "retry_after": 7}, 429, [], id="a rate limit"),
    pytest.param({"kind": "redirect", "location": "http://127.0.0.1:1/"}, 307, [], id="a redirect"),
    pytest.param({"kind": "redirect", "status": 301, "location": "/"}, 301, [], id="a redirect for good"),
    pytest.param({"kind": "delay", "seconds": 0.05}, 200, ["K"], id="a delay before"),
    pytest.param({"kind": "delay", "seconds": 0.05, "moment": "after"}, 200, ["K"], id="a delay after"),
    pytest.param({"kind": "drip", "seconds": 0.0001}, 200, ["K"], id="a dripping body"),
    pytest.param({"kind": "drip", "seconds": 0.0001, "part": "head"}, 200, ["K"], id="a dripping head"),
    pytest.param({"kind": "other_key"}, 200, ["K"], id="another key"),
]


@pytest.mark.parametrize(("options", "status", "held"), ANSWERS)
def test_answers_with(sandbox: Sandbox, caller: Caller, options: dict[str, Any], status: int, held: list[str]) -> None:
    sandbox.faults.add(method="POST", **options)

    reply = caller.create("K", "canary-value")

    assert reply.status == status
    assert held_by(sandbox) == held
    assert sandbox.log.requests()[0].fault == options["kind"]
    assert b"canary" not in reply.body
    assert caller.create("L").status == 200, "a fault happens once"


NO_ANSWERS = [
    pytest.param({"kind": "cut"}, OSError, [], id="a cut before the commit"),
    pytest.param({"kind": "cut", "moment": "after"}, OSError, ["K"], id="a cut after the commit"),
    pytest.param({"kind": "withhold"}, TimeoutError, [], id="silence before the commit"),
    pytest.param({"kind": "withhold", "moment": "after"}, TimeoutError, ["K"], id="silence after the commit"),
    pytest.param({"kind": "truncate"}, http.client.IncompleteRead, ["K"], id="half a body"),
    pytest.param({"kind": "not_json"}, ValueError, ["K"], id="no JSON"),
    pytest.param({"kind": "html"}, ValueError, ["K"], id="HTML"),
    pytest.param({"kind": "deep_json"}, RecursionError, ["K"], id="very deep JSON"),
    pytest.param({"kind": "invalid_utf8"}, UnicodeDecodeError, ["K"], id="no UTF-8"),
]


@pytest.mark.parametrize(("options", "error", "held"), NO_ANSWERS)
def test_leaves_a_caller_without_answer(
    sandbox: Sandbox, caller: Caller, options: dict[str, str], error: type[Exception], held: list[str]
) -> None:
    sandbox.faults.add(method="POST", **options)
    if error is TimeoutError:
        caller.timeout = 0.1

    with pytest.raises(error):
        assert caller.create("K").json
    caller.close()
    caller.timeout = PATIENCE

    wait_until(lambda: [entry.fault for entry in sandbox.log.requests()] and held_by(sandbox) == held)
    assert caller.create("L").status == 200


def test_commits_after_the_caller_has_given_up(sandbox: Sandbox, caller: Caller) -> None:
    arrived = threading.Event()
    sandbox.organization().listener = lambda *_: arrived.set()
    sandbox.faults.add("late_commit", seconds=0.05)
    caller.timeout = 0.1

    with pytest.raises(TimeoutError):
        caller.create("K")
    before = held_by(sandbox)
    caller.close()

    assert arrived.wait(PATIENCE)
    assert (before, held_by(sandbox)) == ([], ["K"])


def test_holds_a_request_until_released(sandbox: Sandbox, caller: Caller) -> None:
    rule = sandbox.faults.add("hold", key="K")
    thread = threading.Thread(target=caller.create, args=("K",))
    thread.start()

    assert rule.reached.wait(PATIENCE)
    before = held_by(sandbox)
    rule.release()
    thread.join(PATIENCE)

    assert (before, held_by(sandbox)) == ([], ["K"])


def test_answers_without_an_id(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("no_id")

    assert caller.page().json["items"] == []
    assert caller.create("K").json["secret_id"] is None
    assert caller.create("L").json["secret_id"]


def test_sends_a_huge_body(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("huge", size=1_000_000)

    assert len(caller.page().body) > 1_000_000


@pytest.mark.parametrize("header", ["soon", "-1", "99999999999"])
def test_tells_any_retry_after(sandbox: Sandbox, caller: Caller, header: str) -> None:
    sandbox.faults.add("rate_limited", retry_after=header)

    assert caller.page().headers["retry-after"] == header


def test_tells_retry_after_as_a_date_and_marks_who_comes_before_it(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.retry_after_grace = 0
    sandbox.faults.add("rate_limited", retry_after=30, as_date=True)

    before = time.time()
    date = parsedate_to_datetime(caller.page().headers["retry-after"])
    after = time.time()
    caller.page()

    assert before + 29 <= date.timestamp() <= after + 30
    assert [entry.inside_retry_after for entry in sandbox.log.requests()] == [False, True]


LIES = [
    pytest.param("repeated_page", "ABABCDE", id="the first page comes twice"),
    pytest.param("null_cursor", "AB", id="a next page without a cursor"),
    pytest.param("same_id_twice", "AACDE", id="one id stands twice"),
    pytest.param("shuffle", "ABCBE", id="items move between pages"),
    pytest.param("item_removed", "ABDE", id="an item goes between pages"),
    pytest.param("wrong_total", "ABCDE", id="the total is another"),
]


@pytest.mark.parametrize(("kind", "keys"), LIES)
def test_lists_what_is_not_so(sandbox: Sandbox, caller: Caller, kind: str, keys: str) -> None:
    for key in "ABCDE":
        sandbox.organization().put(key=key)
    sandbox.faults.add(kind)

    pages = [caller.page(first=2).json]
    while pages[-1]["end_cursor"] and len(pages) < 9:
        pages.append(caller.page(first=2, after=pages[-1]["end_cursor"]).json)

    assert "".join(item["key"] for page in pages for item in page["items"]) == keys
    assert pages[-1]["has_next_page"] is (kind == "null_cursor")
    assert pages[-1]["total"] == {"wrong_total": 6, "item_removed": 4}.get(kind, 5)
    assert [item["key"] for item in caller.list_all()] == list("ABCDE"), "only one listing lies"


def test_lists_an_item_added_between_pages(sandbox: Sandbox, caller: Caller) -> None:
    for key in "ABC":
        sandbox.organization().put(key=key)
    sandbox.faults.add("item_added")

    assert [item["key"] for item in caller.list_all()] == ["A", "B", "B", "C"]


def test_lists_in_a_circle(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.organization().put(key="A")
    sandbox.faults.add("cursor_loop")

    first = caller.page().json
    second = caller.page(after=first["end_cursor"]).json

    assert (second["items"], second["end_cursor"]) == (first["items"], first["end_cursor"])
    assert second["has_next_page"]


RULES = [
    pytest.param({"request": 2}, [200, 500, 200, 200], id="by number"),
    pytest.param({"key": "C", "method": "POST"}, [200, 200, 500, 200], id="by method and key"),
    pytest.param({"skip": 1, "times": 2}, [200, 500, 500, 200], id="some, after some"),
    pytest.param({"times": None}, [500, 500, 500, 500], id="always"),
    pytest.param({"method": "DELETE"}, [200, 200, 200, 200], id="by another method"),
    pytest.param({"org": "org-other"}, [200, 200, 200, 200], id="in another organization"),
]


@pytest.mark.parametrize(("when", "statuses"), RULES)
def test_picks_requests(sandbox: Sandbox, caller: Caller, when: dict[str, Any], statuses: list[int]) -> None:
    sandbox.faults.add("status", **when)

    assert [caller.create(key).status for key in "ABCD"] == statuses


def test_draws_alike_for_a_seed_whatever_the_order() -> None:
    def draw(seed: int, keys: list[str]) -> dict[str, str | None]:
        faults = Faults()
        faults.at_random(AMBIGUOUS, rate=0.3, seed=seed)
        hits = {key: faults.pick(Case(1, "POST", "org", key, False)) for key in keys}
        return {key: f"{hit.fault.kind} {hit.fault.moment}" if hit else None for key, hit in hits.items()}

    keys = [f"K{number}" for number in range(1000)]
    drawn = draw(7, keys)

    assert draw(7, keys[::-1]) == drawn
    assert draw(8, keys) != drawn
    assert 250 < sum(fault is not None for fault in drawn.values()) < 350
    assert len(set(drawn.values())) == len(AMBIGUOUS) + 1


CLIENT = """
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1])
body = json.dumps({"type": "key-value", "key": "K", "value": "v"})
connection.request("POST", "/v3/organizations/org-sandbox/secrets", body, {"Authorization": "Bearer cog_sandbox"})
connection.getresponse().read()
sys.stdin.read()
"""

KILLS = [
    pytest.param({"moment": "before", "carry_out": False}, [], id="before the commit"),
    pytest.param({"moment": "before"}, ["K"], id="before the commit, which happens all the same"),
    pytest.param({"moment": "after"}, ["K"], id="after the commit"),
    pytest.param({"moment": "answered"}, ["K"], id="after the answer"),
]


@pytest.mark.parametrize(("when", "held"), KILLS)
def test_kills_who_sent_the_request(sandbox: Sandbox, when: dict[str, Any], held: list[str]) -> None:
    sandbox.faults.add("signal", **when)

    with subprocess.Popen([sys.executable, "-c", CLIENT, f"127.0.0.1:{sandbox.port}"], stdin=subprocess.PIPE) as client:
        status = client.wait(PATIENCE)

    assert status == -signal.SIGKILL
    # It is dead before the sandbox has gone on.
    wait_until(sandbox.is_quiet)
    (entry,) = sandbox.log.requests()
    assert bool(entry.answered) is bool(held)
    assert held_by(sandbox) == held


def test_stops_a_process_by_its_id(sandbox: Sandbox, caller: Caller) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        sandbox.faults.add("signal", pid=bystander.pid, signal="SIGSTOP", moment="after")
        caller.create("K")
        _, status = os.waitpid(bystander.pid, os.WUNTRACED)
        bystander.kill()

    assert os.WIFSTOPPED(status)


def test_is_scripted_by_another_process(sandbox: Sandbox, caller: Caller) -> None:
    script = [
        {"kind": "status", "status": 503, "method": "GET"},
        {"faults": [{"kind": "html"}, {"kind": "not_json"}], "rate": 1.0, "seed": 7, "method": "POST"},
    ]
    assert caller.send("POST", "/_sandbox/configure", {"faults": script}).status == 200

    assert caller.page().status == 503
    assert caller.page().status == 200
    with pytest.raises(json.JSONDecodeError):
        assert caller.create("K").json
    shown = caller.send("GET", "/_sandbox/faults").json
    assert [(rule["kinds"], rule["met"]) for rule in shown] == [(["status"], 1), (["html", "not_json"], 1)]

    caller.send("POST", "/_sandbox/configure", {"faults": []})
    assert sandbox.faults.rules() == []


@pytest.mark.parametrize(
    "wrong", [{"kind": "fire"}, {"kind": "cut", "when": 1}, {"method": "GET"}, {"kind": "cut", "moment": "answered"}]
)
def test_explains_a_wrong_script(caller: Caller, wrong: dict[str, object]) -> None:
    assert caller.send("POST", "/_sandbox/configure", {"faults": [wrong]}).status == 400
