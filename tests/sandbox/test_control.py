"""The control routes, as another process uses them."""

import hashlib
from pathlib import Path

import pytest

from sandbox.control import is_allowed
from sandbox.server import Sandbox
from sandbox.wire import Request
from tests.sandbox.caller import Caller

ORGANIZATION = "/_sandbox/organizations/org-sandbox"


def test_shows_the_log(caller: Caller) -> None:
    caller.create("DB_URL", "canary-value")

    log = caller.send("GET", "/_sandbox/log")

    (entry,) = log.json["requests"]
    assert (entry["seq"], entry["method"], entry["key"], entry["status"]) == (1, "POST", "DB_URL", 200)
    assert caller.send("GET", "/_sandbox/log?after=1").json["requests"] == []
    assert b"canary" not in log.body


def test_shows_digests_of_what_an_organization_holds(caller: Caller) -> None:
    caller.create("DB_URL", "canary-value")

    shown = caller.send("GET", ORGANIZATION)

    assert shown.json["count"] == 1
    assert shown.json["secrets"][0]["sha256"] == hashlib.sha256(b"canary-value").hexdigest()
    assert b"canary" not in shown.body


def test_lets_a_stranger_put_change_and_delete(sandbox: Sandbox, caller: Caller) -> None:
    body = {"key": None, "note": "mine", "secret_type": "cookie", "access_type": "personal", "value": "x"}
    secret_id = caller.send("POST", f"{ORGANIZATION}/secrets", body).json["secret_id"]

    changed = caller.send("PATCH", f"{ORGANIZATION}/secrets/{secret_id}", {"note": "other"}).json

    assert (changed["note"], changed["secret_type"]) == ("other", "cookie")
    assert changed["updated_at"] > changed["created_at"]
    assert caller.send("DELETE", f"{ORGANIZATION}/secrets/{secret_id}").status == 200
    assert sandbox.organization().secrets() == []
    assert sandbox.log.requests() == []


def test_configures(sandbox: Sandbox, caller: Caller) -> None:
    assert caller.send("POST", "/_sandbox/configure", {"duplicates": "allow", "latency": 0.01}).status == 200

    assert (sandbox.settings.duplicates, sandbox.settings.latency) == ("allow", 0.01)


def test_declares_organizations_and_keys(caller: Caller) -> None:
    body = {"organizations": [{"org_id": "org-b"}], "keys": [{"token": "cog_b", "org_id": "org-b"}]}
    caller.send("POST", "/_sandbox/organizations", body)
    caller.token = "cog_b"

    assert caller.page("org-b").status == 200
    assert caller.page("org-sandbox").status == 403

    caller.send("POST", "/_sandbox/organizations", {"revoke": ["cog_b"]})
    assert caller.page("org-b").status == 401


def test_refuses_values_by_key(caller: Caller) -> None:
    caller.send("POST", f"{ORGANIZATION}/refuse", {"keys": ["DB_URL"]})
    assert caller.create("DB_URL").status == 422

    caller.send("POST", f"{ORGANIZATION}/accept", {"keys": ["DB_URL"]})
    assert caller.create("DB_URL").status == 200


def test_resets_all_or_only_the_traffic(sandbox: Sandbox, caller: Caller) -> None:
    caller.create("DB_URL")

    caller.send("POST", "/_sandbox/reset", {"traffic": True})
    assert sandbox.log.requests() == []
    assert len(sandbox.organization().secrets()) == 1

    sandbox.settings.latency = 0.01
    caller.send("POST", "/_sandbox/reset")
    assert sandbox.organization().secrets() == []
    assert sandbox.settings.latency == 0


MISTAKES = [
    pytest.param("POST", "/_sandbox/configure", {"latencey": 1}, 400, id="an unknown setting"),
    pytest.param("POST", "/_sandbox/configure", {"duplicates": "maybe"}, 400, id="an unknown mode"),
    pytest.param("POST", "/_sandbox/configure", {"ip_ranges": ["::/0", "here"]}, 400, id="no range of addresses"),
    pytest.param("GET", "/_sandbox/organizations/org-none", None, 400, id="an unknown organization"),
    pytest.param("DELETE", f"{ORGANIZATION}/secrets/secret-none", None, 404, id="an unknown secret"),
    pytest.param("GET", "/_sandbox/elsewhere", None, 404, id="an unknown route"),
    pytest.param("POST", "/_sandbox/reset", [1], 400, id="a body that is no object"),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), MISTAKES)
def test_explains_a_mistake(caller: Caller, method: str, path: str, body: object, status: int) -> None:
    reply = caller.send(method, path, body)

    assert reply.status == status
    assert reply.json["detail"]


VISITORS = [
    pytest.param("127.0.0.1", "127.0.0.1:8001", True, id="this machine"),
    pytest.param("::1", "[::1]:8001", True, id="this machine by IPv6"),
    pytest.param("127.0.0.1", "localhost:8001", True, id="this machine by name"),
    pytest.param("10.0.0.7", "127.0.0.1:8001", False, id="another machine"),
    pytest.param("127.0.0.1", "evil.example:8001", False, id="a web page under a name of its own"),
]


@pytest.mark.parametrize(("peer", "host", "allowed"), VISITORS)
def test_is_for_this_machine_alone(peer: str, host: str, allowed: bool) -> None:
    request = Request("GET", "/_sandbox/log", "", {"host": host}, b"", 0)

    assert is_allowed(request, peer) is allowed


def test_no_web_page_steers_it() -> None:
    headers = {"host": "127.0.0.1:8001", "origin": "https://evil.example", "content-type": "text/plain"}

    assert not is_allowed(Request("POST", "/_sandbox/reset", "", headers, b"{}", 2), "127.0.0.1")


def test_keeps_names_and_digests_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.jsonl"
    with Sandbox(data=data) as sandbox:
        kept = sandbox.organization().put(key="KEPT", value="canary-value", note="n")
        sandbox.organization().delete(sandbox.organization().put(key="GONE").secret_id)
    with data.open("a") as file:
        file.write('{"org": "org-sandbox", "ev')

    with Sandbox(data=data) as sandbox:
        (secret,) = sandbox.organization().secrets()

    assert (secret.secret_id, secret.key, secret.note, secret.sha256) == (kept.secret_id, "KEPT", "n", kept.sha256)
    assert "canary" not in data.read_text()
    assert data.stat().st_mode & 0o777 == 0o600
