"""The audit log: who did what to which secret, by a form or by a key, and which keys may read that."""

from typing import Any

import pytest

from sandbox.__main__ import build_sandbox, read_arguments
from sandbox.audit import Actor
from sandbox.directory import MANAGE_ENTERPRISE, MANAGE_SECRETS
from sandbox.server import Sandbox
from tests.sandbox.caller import Caller
from tests.sandbox.test_hand import ORG as PAGE
from tests.sandbox.test_hand import Send, send

__all__ = ["send"]
ENTERPRISE, OWN = "/v3/enterprise/audit-logs", "/v3/organizations/org-sandbox/audit-logs"
BOTH = [MANAGE_SECRETS, MANAGE_ENTERPRISE]


@pytest.fixture(autouse=True)
def _keys(sandbox: Sandbox) -> None:
    sandbox.directory.declare_organization("org-other")
    sandbox.directory.declare_key("cog_auditor", permissions=BOTH, name="Auditor")
    sandbox.directory.declare_key("cog_enterprise", org_id=None, permissions=BOTH)
    sandbox.directory.declare_key("cog_person", principal_type="pat_user", name="kim@example.com")


def told(caller: Caller, path: str = OWN, **query: object) -> list[tuple[Any, ...]]:
    caller.token = "cog_enterprise"
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    items = caller.send("GET", f"{path}?{asked}").json["items"]
    return [(one["action"], one["data"]["key"], one["user_email"] or one["service_user_name"]) for one in items]


@pytest.mark.parametrize(
    ("token", "request_line", "status"),
    [
        ("cog_sandbox", f"GET {OWN}", 403),
        ("cog_sandbox", f"GET {ENTERPRISE}", 403),
        ("cog_auditor", f"GET {OWN}", 200),
        ("cog_auditor", f"GET {ENTERPRISE}", 403),
        ("cog_auditor", "GET /v3/organizations/org-other/audit-logs", 403),
        ("cog_enterprise", "GET /v3/organizations/org-other/audit-logs", 200),
        ("cog_enterprise", f"GET {ENTERPRISE}", 200),
        ("cog_none", f"GET {OWN}", 401),
        ("cog_enterprise", "GET /v3/organizations/org-none/audit-logs", 404),
        ("cog_enterprise", f"DELETE {OWN}", 405),
        ("cog_enterprise", f"GET {OWN}?order=newest", 422),
        ("cog_enterprise", f"GET {OWN}?time_after=yesterday", 422),
        ("cog_enterprise", f"GET {OWN}?after=audit-0", 422),
    ],
)
def test_few_keys_may_read_it(caller: Caller, token: str, request_line: str, status: int) -> None:
    caller.token = token

    assert caller.send(*request_line.split(" ")).status == status


def test_it_names_who_did_it_by_a_form_or_by_a_key(send: Send, caller: Caller, sandbox: Sandbox) -> None:
    send(f"{PAGE}/add", key="BY_HAND", value="v", who="ana@example.com")
    made = sandbox.organization().with_key("BY_HAND")[0]
    send(f"{PAGE}/secrets/{made.secret_id}", note="mine")
    caller.create("BY_KEY")
    caller.token = "cog_person"
    caller.delete(made.secret_id)

    assert told(caller) == [
        ("delete_secret", "BY_HAND", "kim@example.com"),
        ("create_secret", "BY_KEY", "Sandbox service user"),
        ("update_secret", "BY_HAND", "stranger@example.com"),
        ("create_secret", "BY_HAND", "ana@example.com"),
    ]
    assert told(caller, action="delete_secret") == told(caller)[:1]
    assert told(caller, order="asc") == told(caller)[::-1]
    assert told(caller, time_before=1) == []


def test_it_comes_by_pages_from_all_organizations(caller: Caller, sandbox: Sandbox) -> None:
    for org_id, key in (("org-sandbox", "A"), ("org-other", "B"), ("org-sandbox", "C")):
        sandbox.organization(org_id).put(key=key, actor=Actor(user_id="u", user_email="u@example.com"))
    caller.token = "cog_enterprise"

    page = caller.send("GET", f"{ENTERPRISE}?first=2").json

    assert [(item["org_id"], item["data"]["key"]) for item in page["items"]] == [
        ("org-sandbox", "C"),
        ("org-other", "B"),
    ]
    assert [key for _, key, _ in told(caller, ENTERPRISE, after=page["end_cursor"])] == ["A"]


def test_a_reset_empties_it(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.organization().put(key="A")

    sandbox.reset()

    assert told(caller) == []


def test_a_key_of_all_organizations_reads_it() -> None:
    sandbox = build_sandbox(read_arguments(["--port", "0", "--key", "cog_all=*"]))

    key = sandbox.directory.key_for("cog_all")

    assert key is not None
    assert (key.reads_audit_log(None), key.reads_audit_log("org-sandbox")) == (True, True)
