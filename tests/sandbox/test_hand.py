"""The sandbox's forms, as a browser sends them."""

import http.client
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from sandbox.server import Sandbox
from tests.patience import PATIENCE
from tests.sandbox.caller import Caller, Reply

ORG = "/orgs/org-sandbox"
Send = Callable[..., Reply]


@pytest.fixture
def send(sandbox: Sandbox, caller: Caller) -> Send:
    """Sends a form with the token of the page that it is on; `headers` take the place of a browser's."""

    def send_form(path: str, page: str = "/add", headers: dict[str, str] | None = None, **fields: str) -> Reply:
        shown = caller.send("GET", page).body.decode()
        token = re.search(r'name="token" value="([^"]+)"', shown)
        assert token
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=PATIENCE)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode({"token": token[1]} | fields), kind | (headers or {}))
        answer = connection.getresponse()
        reply = Reply(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        connection.close()
        return reply

    return send_form


def test_adds_an_organization_with_a_key_that_opens_it(send: Send, caller: Caller) -> None:
    added = send("/add", org_id="org-second", name="Second & last")

    assert (added.status, added.headers["location"]) == (303, "/orgs/org-second")
    assert b"Second &amp; last" in caller.send("GET", "/").body
    caller.token = "cog_org-second"
    assert caller.page("org-second").status == 200
    assert caller.page("org-sandbox").status == 403


@pytest.mark.parametrize("org_id", ["", "second", "org-", "org-a b", "org-<i>", "org-../x"])
def test_says_what_an_organization_is_called_by(send: Send, caller: Caller, org_id: str) -> None:
    refused = send("/add", org_id=org_id, name="Kept")

    assert refused.status == 400
    assert b"starts with org-" in refused.body
    assert b'value="Kept"' in refused.body
    assert b"<i>" not in refused.body


def test_a_stranger_adds_a_secret_whose_value_is_not_shown(send: Send, sandbox: Sandbox, caller: Caller) -> None:
    added = send(f"{ORG}/add", key="LEGACY", value="canary-value", note="mine")

    assert added.headers["location"] == ORG
    (secret,) = sandbox.organization().secrets()
    assert (secret.key, secret.value, secret.note, secret.created_by) == ("LEGACY", "canary-value", "mine", "stranger")
    refused = send(f"{ORG}/add", key="NOT A KEY", value="canary-value")
    assert refused.status == 400
    assert b"canary" not in caller.send("GET", ORG).body + refused.body


def test_a_note_is_edited_and_a_secret_deleted(send: Send, sandbox: Sandbox, caller: Caller) -> None:
    secret = sandbox.organization().put(key="DB_URL", value="canary", note="Synced")
    page = f"{ORG}/secrets/{secret.secret_id}"
    assert page.encode() in caller.send("GET", ORG).body
    assert b'value="Synced"' in caller.send("GET", page).body

    assert send(page, page, note="Edited").headers["location"] == ORG
    changed = sandbox.organization().get(secret.secret_id)
    assert (changed.note, changed.value, changed.updated_by) == ("Edited", "canary", "stranger")
    assert changed.updated_at is not None

    assert send(page, page, do="delete", note="Edited").headers["location"] == ORG
    assert sandbox.organization().secrets() == []
    assert caller.send("GET", page).status == 404
    assert send(page, note="Late").status == 400


@pytest.mark.parametrize(("name", "status"), [("busy", 503), ("limited", 429), ("refused", 401)])
def test_the_next_request_fails_once(send: Send, caller: Caller, name: str, status: int) -> None:
    assert send(f"{ORG}/fail", ORG, failure=name).headers["location"] == ORG

    assert b"<b>1 waiting</b>" in caller.send("GET", ORG).body
    assert [caller.page().status for _ in range(2)] == [status, 200]
    assert b"waiting" not in caller.send("GET", ORG).body


def test_the_connection_is_cut_after_the_write(send: Send, sandbox: Sandbox, caller: Caller) -> None:
    send(f"{ORG}/fail", ORG, failure="cut")

    with pytest.raises(ConnectionError):
        caller.create("DB_URL")

    assert [secret.key for secret in sandbox.organization().secrets()] == ["DB_URL"]


def test_a_failure_is_of_one_organization_and_of_those_offered(send: Send, caller: Caller) -> None:
    send("/add", org_id="org-second")
    assert send("/orgs/org-second/fail", failure="busy").status == 303
    assert send("/orgs/org-second/fail", failure="explode").status == 400

    assert caller.page().status == 200


@pytest.mark.parametrize("path", ["/add", f"{ORG}/add", f"{ORG}/fail", f"{ORG}/secrets/none"])
@pytest.mark.parametrize(
    ("differs", "status"),
    [({"token": "guessed"}, 400), ({"token": ""}, 400), ({"headers": {"Host": "evil.example"}}, 403)],
    ids=["a guessed token", "no token", "another host"],
)
def test_no_other_page_sends_a_form(
    send: Send, sandbox: Sandbox, path: str, differs: dict[str, Any], status: int
) -> None:
    fields = {"org_id": "org-second", "key": "LEGACY", "failure": "busy"}

    assert send(path, **fields | differs).status == status

    assert [one.org_id for one in sandbox.directory.organizations()] == ["org-sandbox"]
    assert sandbox.organization().secrets() == []
    assert sandbox.faults.rules() == []


def test_forms_are_not_drawn_anew_while_somebody_types(caller: Caller, sandbox: Sandbox) -> None:
    secret = sandbox.organization().put(key="A")

    for path in ("/add", f"{ORG}/add", f"{ORG}/secrets/{secret.secret_id}"):
        assert b'http-equiv="refresh"' not in caller.send("GET", path).body
    assert b'http-equiv="refresh"' in caller.send("GET", ORG).body


@pytest.mark.parametrize(
    "path", ["/orgs/org-none", "/orgs/org-none/add", f"{ORG}/secrets/none", "/nothing", f"{ORG}/x"]
)
def test_what_is_not_there_is_not_found(send: Send, caller: Caller, path: str) -> None:
    assert caller.send("GET", path).status == 404
    assert send(path).status in (400, 404)
