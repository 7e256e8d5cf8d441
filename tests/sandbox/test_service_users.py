"""Service users and their API keys: which key may ask, what it is told, and what becomes of keys."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import build_sandbox, read_arguments
from sandbox.directory import MANAGE_SECRETS, MANAGE_SERVICE_USERS, Directory
from sandbox.server import Sandbox
from sandbox.storage import Journal
from tests.sandbox.caller import Caller, Reply
from tests.sandbox.test_hand import Send, send

__all__ = ["send"]
RIGHTS = [MANAGE_SECRETS, MANAGE_SERVICE_USERS]
SELF, MEMBERS, USERS = "/v3/self", "/v3/enterprise/members/service-users", "/v3beta1/enterprise/service-users"


@pytest.fixture
def user(sandbox: Sandbox, caller: Caller) -> str:
    """The ID of the service user whose key the caller has."""
    caller.token = "cog_first"
    return sandbox.directory.declare_key("cog_first", org_id=None, permissions=RIGHTS, name="Bot").principal_id


@pytest.fixture
def keys(user: str) -> str:
    return f"{USERS}/{user}/api-keys"


def listed(caller: Caller, keys: str, status: str = "all") -> list[tuple[str, bool]]:
    items = caller.send("GET", f"{keys}?status={status}").json["items"]
    return [(item["api_key_name"], item["is_active"]) for item in items]


def make(caller: Caller, keys: str, **body: Any) -> Reply:
    return caller.send("POST", keys, {"name": "second"} | body)


def status_with(caller: Caller, token: str, path: str = SELF) -> int:
    caller.token, before = token, caller.token
    try:
        return caller.send("GET", path).status
    finally:
        caller.token = before


def test_several_keys_of_one_service_user_live_at_once(caller: Caller, user: str, keys: str) -> None:
    made = make(caller, keys, expires_at=int(time.time()) + 60).json

    assert set(made) == {"api_key_id", "api_key_name", "token"}
    assert listed(caller, keys) == [("Sandbox", True), ("second", True)]
    assert status_with(caller, "cog_first") == 200
    caller.token = made["token"]
    assert caller.send("GET", SELF).json["service_user_id"] == user
    assert caller.page().status == 200
    assert made["token"] not in caller.send("GET", keys).body.decode(), "told once"


def test_a_revoked_key_and_one_whose_time_is_over_are_refused(caller: Caller, sandbox: Sandbox, keys: str) -> None:
    revoked, expired = make(caller, keys).json, make(caller, keys, name="third").json
    assert caller.send("DELETE", f"{keys}/{revoked['api_key_id']}").json["is_active"] is False
    sandbox.directory.expire(sandbox.directory.key_for(expired["token"]), at=int(time.time()))  # type: ignore[arg-type]

    assert [status_with(caller, each["token"]) for each in (revoked, expired)] == [401, 401]
    assert listed(caller, keys, "active") == [("Sandbox", True)]
    assert (listed(caller, keys, "revoked"), listed(caller, keys, "expired")) == (
        [("second", False)],
        [("third", False)],
    )
    assert caller.send("DELETE", f"{keys}/{revoked['api_key_id']}").status == 409


@pytest.mark.parametrize(("revoke_current", "status"), [(False, 200), (True, 401), (None, 401)])
def test_rotates_with_or_without_an_end_of_the_old_one(
    caller: Caller, keys: str, revoke_current: bool | None, status: int
) -> None:
    key_id = caller.send("GET", keys).json["items"][0]["api_key_id"]
    body = {} if revoke_current is None else {"revoke_current": revoke_current}

    made = caller.send("POST", f"{keys}/{key_id}/rotate", body).json

    assert status_with(caller, "cog_first") == status
    caller.token = made["token"]
    assert caller.send("POST", f"{keys}/{key_id}/rotate", {"revoke_current": False}).status == {200: 200}.get(
        status, 400
    )


def test_tells_of_the_service_user(caller: Caller, sandbox: Sandbox, user: str) -> None:
    sandbox.directory.change_service_user(user, user_expires_at=4_000_000_000)

    told = caller.send("GET", f"{MEMBERS}/{user}").json

    assert (told["service_user_id"], told["name"], told["expires_at"]) == (user, "Bot", 4_000_000_000)
    assert told["role_assignments"][0]["role"]["role_type"] == "enterprise"


REFUSALS = [
    pytest.param("cog_plain", "GET", "", None, 403, id="without the permission"),
    pytest.param("cog_of_one", "GET", "", None, 403, id="a key of one organization"),
    pytest.param("cog_none", "GET", "", None, 401, id="no key"),
    pytest.param("cog_first", "PUT", "", None, 405, id="another method"),
    pytest.param("cog_first", "DELETE", "/api-key-0", None, 404, id="an unknown key"),
    pytest.param("cog_first", "GET", "?status=new", None, 422, id="an unknown status"),
    pytest.param("cog_first", "POST", "", {}, 422, id="no name"),
    pytest.param("cog_first", "POST", "", {"name": "x" * 257}, 422, id="too long a name"),
    pytest.param("cog_first", "POST", "", {"name": "x", "expires_at": 5}, 422, id="an end in the past"),
]


@pytest.mark.parametrize(("token", "method", "more", "body", "status"), REFUSALS)
def test_refuses(
    caller: Caller, sandbox: Sandbox, keys: str, *, token: str, method: str, more: str, body: Any, status: int
) -> None:
    sandbox.directory.declare_key("cog_plain", org_id=None, permissions=[MANAGE_SECRETS])
    sandbox.directory.declare_key("cog_of_one", permissions=RIGHTS)
    caller.token = token

    assert caller.send(method, f"{keys}{more}", body).status == status


def test_the_permission_can_be_taken_away_from_all_its_keys(caller: Caller, user: str, keys: str, send: Send) -> None:
    second = make(caller, keys).json["token"]

    assert send(f"/keys/users/{user}", page="/add", do="forbid").status == 303
    assert (status_with(caller, "cog_first", keys), status_with(caller, second, keys)) == (403, 403)
    assert status_with(caller, second, f"{MEMBERS}/{user}") == 403
    send(f"/keys/users/{user}", page="/add", do="allow")
    assert (status_with(caller, "cog_first", keys), status_with(caller, second, keys)) == (200, 200)


def test_a_person_makes_revokes_and_ends_keys_on_the_page(caller: Caller, user: str, keys: str, send: Send) -> None:
    made = send(f"/keys/users/{user}", do="make", name="By <hand>")
    token = re.search(r"cog_[A-Za-z0-9_-]{20,}", made.body.decode())

    assert token
    assert (made.status, status_with(caller, token[0])) == (200, 200)
    page = caller.send("GET", "/keys").body.decode()
    assert "By &lt;hand&gt;" in page
    assert "cog_" not in page
    ids = {item["api_key_name"]: item["api_key_id"] for item in caller.send("GET", keys).json["items"]}
    assert send(f"/keys/{ids['By <hand>']}", do="expire").status == 303
    assert status_with(caller, token[0]) == 401
    assert send(f"/keys/{ids['Sandbox']}", do="revoke").status == 303
    assert status_with(caller, "cog_first") == 401
    assert send(f"/keys/users/{user}", do="make", name="").status == 400
    assert (send("/keys/api-key-0", do="revoke").status, send("/keys/users/none", do="make").status) == (404, 404)


def test_what_became_of_keys_outlasts_a_restart_without_a_token(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.jsonl"
    arguments = read_arguments(["--port", "0", "--key", "cog_all=*", "--data", str(path)])
    with build_sandbox(arguments) as sandbox:
        old = sandbox.directory.key_for("cog_all")
        assert old is not None
        token = sandbox.directory.make_key(old, name="new").token
        sandbox.directory.revoke(old)

    with build_sandbox(arguments) as again:
        key = again.directory.key_for(token)

        assert again.directory.key_for("cog_all") is None, "the command line brings no revoked key back"
        assert key is not None
        assert (key.principal_id, key.key_name, key.manages_service_users) == (old.principal_id, "new", True)
    assert "cog_" not in path.read_text()


def test_a_line_of_a_key_that_it_cannot_read_costs_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.jsonl"
    path.write_text('{"event": "key", "key": {"colour": 1, "permissions": []}}\n{"event": "key", "key": null}\n')
    journal = Journal(path)
    directory = Directory(on_key=journal.keep_key)

    journal.load(directory)

    assert [key.key_name for key in directory.all_keys()] == ["Sandbox"]


def test_the_log_tells_which_key_was_used(caller: Caller, sandbox: Sandbox, keys: str) -> None:
    caller.token = make(caller, keys).json["token"]
    used = caller.send("GET", keys).json["items"][1]

    entry = sandbox.log.requests("GET")[-1]

    assert (entry.api_key, entry.caller) == (used["api_key_id"], keys.split("/")[-2])
    assert used["last_used_at"] is not None
