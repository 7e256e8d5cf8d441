"""The contract of the Devin API, a case a rule."""

import http.client
import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from sandbox.directory import MANAGE_ORGANIZATIONS
from sandbox.organization import Duplicates
from sandbox.rate import RateLimit
from sandbox.server import Sandbox
from tests.patience import PATIENCE, wait_until
from tests.sandbox.caller import Caller

SECRETS = "/v3/organizations/org-sandbox/secrets"
ORGANIZATIONS = "/v3/enterprise/organizations"
GOOD = {"type": "key-value", "key": "DB_URL", "value": "canary-value"}

REFUSALS = [
    pytest.param(None, "GET /v3/self", None, 401, id="no key"),
    pytest.param("cog_unknown", f"GET {SECRETS}", None, 401, id="an unknown key"),
    pytest.param("cog_reader", f"GET {SECRETS}", None, 403, id="a key without the permission to manage secrets"),
    pytest.param("cog_other", f"POST {SECRETS}", GOOD, 403, id="a key of another organization"),
    pytest.param("cog_sandbox", "GET /v3/organizations/org-none/secrets", None, 404, id="no such organization"),
    pytest.param("cog_sandbox", "GET /v3/elsewhere", None, 404, id="no such route"),
    pytest.param("cog_sandbox", f"PUT {SECRETS}", GOOD, 405, id="no update"),
    pytest.param("cog_sandbox", f"GET {SECRETS}/secret-1", None, 405, id="no look at one secret"),
    pytest.param("cog_sandbox", f"DELETE {SECRETS}/secret-none", None, 403, id="deleting what is not there"),
    pytest.param("cog_sandbox", f"GET {SECRETS}?first=0", None, 422, id="a page of nothing"),
    pytest.param("cog_sandbox", f"GET {SECRETS}?first=201", None, 422, id="a page too long"),
    pytest.param("cog_sandbox", f"GET {SECRETS}?first=x", None, 422, id="a page of x"),
    pytest.param("cog_sandbox", f"GET {SECRETS}?after=x", None, 422, id="a cursor of nobody"),
    pytest.param("cog_sandbox", f"GET {SECRETS}?after=WzEsInh5eiIsMV0=", None, 422, id="a cursor with an unknown lie"),
    pytest.param("cog_sandbox", f"GET {ORGANIZATIONS}", None, 403, id="organizations, to a key of one of them"),
    pytest.param("cog_enterprise", f"POST {ORGANIZATIONS}", {}, 405, id="no making of an organization"),
    pytest.param("cog_enterprise", f"GET {ORGANIZATIONS}?first=201", None, 422, id="a page of organizations too long"),
    pytest.param("cog_enterprise", f"GET {ORGANIZATIONS}?after=org-none", None, 422, id="a cursor of no organization"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", [], 422, id="a body that is no object"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", {**GOOD, "type": "other"}, 422, id="an unknown type"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", {**GOOD, "key": ""}, 422, id="an empty key"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", {**GOOD, "value": 5}, 422, id="a value that is no text"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", {**GOOD, "note": 5}, 422, id="a note that is no text"),
    pytest.param("cog_sandbox", f"POST {SECRETS}", {"type": "totp", "key": "K"}, 422, id="no value"),
]


@pytest.mark.parametrize(("token", "request_line", "body", "status"), REFUSALS)
def test_refuses(sandbox: Sandbox, token: str | None, request_line: str, body: Any, status: int) -> None:
    sandbox.directory.declare_key("cog_reader", permissions=["ViewOrgSecrets"])
    sandbox.directory.declare_key("cog_other", org_id="org-other")
    sandbox.directory.declare_key("cog_enterprise", org_id=None, permissions=[MANAGE_ORGANIZATIONS])
    caller = Caller(sandbox.url, token)

    method, path = request_line.split()
    reply = caller.send(method, path, body)
    caller.close()

    assert reply.status == status
    assert set(reply.json) == {"detail"}
    assert b"canary" not in reply.body
    assert sandbox.organization().secrets() == []


def test_tells_who_a_key_belongs_to(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.directory.declare_key("cog_wide", org_id=None, name="Platform")
    scoped = caller.send("GET", "/v3/self").json
    caller.token = "cog_wide"
    wide = caller.send("GET", "/v3/self").json

    assert (scoped["principal_type"], scoped["org_id"]) == ("service_user", "org-sandbox")
    assert (wide["service_user_name"], wide["org_id"]) == ("Platform", None)
    assert wide["service_user_id"] != scoped["service_user_id"]


def test_creates_lists_and_deletes(sandbox: Sandbox, caller: Caller) -> None:
    created = caller.create("DB_URL", "canary-value", note="from us").json

    assert caller.page().json == {"items": [created], "end_cursor": None, "has_next_page": False, "total": 1}
    assert created["secret_id"].startswith("secret-")
    assert (created["key"], created["note"], created["secret_type"]) == ("DB_URL", "from us", "key-value")
    assert (created["access_type"], created["is_sensitive"], created["updated_at"]) == ("org", True, None)
    assert sandbox.organization().values() == {"DB_URL": "canary-value"}

    assert caller.delete(created["secret_id"]).json == created
    assert caller.page().json["items"] == []


def test_pages_by_cursor(sandbox: Sandbox, caller: Caller) -> None:
    for number in range(5):
        sandbox.organization().put(key=f"K{number}")

    first = caller.page(first=2).json
    sandbox.organization().delete(first["items"][0]["secret_id"])
    rest = caller.page(first=200, after=first["end_cursor"]).json

    assert first["has_next_page"]
    assert [item["key"] for item in first["items"]] == ["K0", "K1"]
    assert [item["key"] for item in rest["items"]] == ["K2", "K3", "K4"]
    assert (rest["has_next_page"], rest["end_cursor"]) == (False, None)


def test_gives_a_hundred_unless_asked(sandbox: Sandbox, caller: Caller) -> None:
    for number in range(201):
        sandbox.organization().put(key=f"K{number}")

    assert len(caller.page().json["items"]) == 100
    assert len(caller.page(first=200).json["items"]) == 200


def test_gives_fewer_than_asked_where_set(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.page_size, sandbox.settings.totals = 2, False
    for number in range(3):
        sandbox.organization().put(key=f"K{number}")

    page = caller.page(first=200).json

    assert (len(page["items"]), page["has_next_page"], page["total"]) == (2, True, None)


TAKEN = [
    pytest.param(Duplicates.REJECT_409, 409, ["old"], id="refuses with 409"),
    pytest.param(Duplicates.REJECT_422, 422, ["old"], id="refuses with 422"),
    pytest.param(Duplicates.ALLOW, 200, ["old", "new"], id="keeps both"),
    pytest.param(Duplicates.OVERWRITE, 200, ["new"], id="overwrites"),
]


@pytest.mark.parametrize(("duplicates", "status", "held"), TAKEN)
def test_on_a_taken_key(sandbox: Sandbox, caller: Caller, duplicates: Duplicates, status: int, held: list[str]) -> None:
    sandbox.settings.duplicates = duplicates
    caller.create("DB_URL", "old")

    reply = caller.create("DB_URL", "new")

    assert reply.status == status
    assert status == 200 or "already exists" in reply.json["detail"]
    assert [secret.value for secret in sandbox.organization().secrets()] == held


def test_a_personal_secret_takes_no_key(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.duplicates = Duplicates.OVERWRITE
    personal = sandbox.organization().put(key="DB_URL", access_type="personal")

    caller.create("DB_URL")

    assert personal in sandbox.organization().secrets()


def test_takes_whatever_json_can_spell(sandbox: Sandbox, caller: Caller) -> None:
    assert caller.create("\ud800", "\ud800\x00🔑").json["key"] == "\ud800"
    assert caller.send("GET", "/orgs/org-sandbox").status == 200


def test_a_refused_value_is_called_invalid(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.refuse_value("DB_URL")

    reply = caller.create("DB_URL", "canary-value")

    assert reply.status == 422
    assert "invalid" in reply.json["detail"][0]["msg"]
    assert b"canary" not in reply.body


def test_limits_the_rate_and_marks_who_comes_too_early(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.rate_per_minute = 2
    sandbox.settings.retry_after_grace = 0

    statuses = [caller.page().status for _ in range(2)]
    limited = caller.page()
    caller.page()

    assert statuses == [200, 200]
    assert (limited.status, limited.headers["retry-after"]) == (429, "60")
    assert [entry.seq for entry in sandbox.log.too_early()] == [4]


def test_tells_the_exact_wait() -> None:
    seconds = partial(RateLimit().seconds_to_wait, limit=2, window=60.0)

    assert seconds("a", 100.0) is None
    assert seconds("a", 130.5) is None
    assert seconds("a", 140.2) == 20
    assert seconds("b", 140.2) is None
    assert seconds("a", 160.2) is None
    assert seconds("a", 160.2) == 31


def test_latency_is_waited_by_each_request_alone(sandbox: Sandbox) -> None:
    """Eight wait at the same time: none is answered before the last one has come."""
    sandbox.settings.latency = PATIENCE
    callers = [Caller(sandbox.url) for _ in range(8)]
    threads = [threading.Thread(target=ask, args=(caller,)) for caller in callers]

    for thread in threads:
        thread.start()
    wait_until(lambda: len(sandbox.log.requests()) == 8)

    assert [entry.answered for entry in sandbox.log.requests()] == [None] * 8
    sandbox.stop()
    for thread in threads:
        thread.join(PATIENCE)


def ask(caller: Caller) -> None:
    with suppress(OSError, http.client.HTTPException):
        caller.page()
    caller.close()


def test_latency_is_waited_out(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.settings.latency = 0.05

    caller.page()

    (entry,) = sandbox.log.requests()
    assert entry.answered is not None
    assert entry.answered - entry.arrived >= 0.05


def test_logs_requests_without_values(sandbox: Sandbox, caller: Caller) -> None:
    created = caller.create("DB_URL", "canary-value", note="n=1").json
    caller.delete(created["secret_id"])

    post, delete = sandbox.log.writes()

    assert (post.method, post.org, post.key, post.note) == ("POST", "org-sandbox", "DB_URL", "n=1")
    assert (post.status, post.secret_id) == (200, created["secret_id"])
    assert (delete.key, delete.note, delete.secret_id) == ("DB_URL", "n=1", created["secret_id"])
    assert post.arrived <= (post.committed or 0) <= (post.answered or 0) <= delete.arrived
    assert post.connection == delete.connection
    assert sandbox.log.counts() == {"POST": 1, "DELETE": 1}
    assert "canary" not in repr(sandbox.log.requests()) + repr(sandbox.organization().secrets())
