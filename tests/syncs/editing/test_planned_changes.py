"""`PATCH …?plan=true`: a change of a sync is planned, answered and not made."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from accounts.roles import EDITOR
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from tests.syncs.conftest import API_KEY, Bench
from vault.editing import create_environment, create_folder, set_secrets
from vault.models import Project

OPTIONS = {"initialSyncBehavior": "overwrite-destination", "keySchema": "P_{{secretKey}}"}


@pytest.fixture
def editor(db: None) -> Caller:
    return make_caller(make_user("somebody", EDITOR))


@pytest.fixture
def synced(bench: Bench) -> Bench:
    bench.source(A="canary-1", B="canary-2")
    bench.run()
    return bench


def address(bench: Bench, query: str = "plan=true") -> str:
    return f"/api/v1/secret-syncs/devin/{bench.sync.pk}?{query}"


def planned(caller: Caller, bench: Bench, body: Any, query: str = "plan=true") -> Any:
    before = DevinSync.objects.values().get(pk=bench.sync.pk)
    answer = caller.patch(address(bench, query), body)
    assert DevinSync.objects.values().get(pk=bench.sync.pk) == before
    assert not SyncRun.objects.pending().exists()
    assert not LogEntry.objects.exists()
    return answer


def test_another_key_schema(editor: Caller, synced: Bench, organization: SandboxOrganization) -> None:
    answer = planned(editor, synced, {"syncOptions": OPTIONS})

    assert answer["plan"]["counts"] == {"create": 0, "replace": 0, "rename": 2, "delete": 0, "keep": 0}
    assert [change["formerKeys"] for change in answer["plan"]["changes"]] == [["A"], ["B"]]
    assert answer["secretSync"]["syncOptions"]["keySchema"] == "P_{{secretKey}}"
    assert (answer["crossings"], answer["removed"]) == ([], [])
    assert "canary" not in str(answer)
    assert organization.values() == {"A": "canary-1", "B": "canary-2"}


def test_another_environment(editor: Caller, synced: Bench, project: Project) -> None:
    prod = create_folder(create_environment(project, name="Production", slug="prod", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(prod, {"A": "of prod"}, by=ANYBODY)

    answer = planned(editor, synced, {"environment": "prod", "secretPath": "/app"})

    assert answer["crossings"] == [{"what": "environment", "before": "dev", "after": "prod"}]
    assert answer["plan"]["counts"] == {"create": 0, "replace": 1, "delete": 1, "keep": 0}


def test_another_organization(editor: Caller, synced: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.declare_organization("org-b")
    sandbox.directory.declare_key(API_KEY, org_id=None)

    answer = planned(editor, synced, {"destinationConfig": {"orgId": "org-b"}}, query="plan=true&removeSecrets=true")

    assert answer["crossings"] == [{"what": "organization", "before": "org-sandbox", "after": "org-b"}]
    assert answer["removed"] == ["A", "B"]


def test_without_it_the_change_is_made_at_once(editor: Caller, synced: Bench) -> None:
    answer = editor.patch(address(synced, "plan=false"), {"syncOptions": OPTIONS})

    assert set(answer) == {"secretSync"}
    assert DevinSync.objects.get().key_schema == "P_{{secretKey}}"


@pytest.mark.parametrize(
    "body", [{"syncOptions": OPTIONS | {"keySchema": "X"}}, {"environment": "nowhere"}, {"name": "No Good"}], ids=str
)
def test_refuses_what_the_change_would(editor: Caller, synced: Bench, body: Any) -> None:
    refused = editor.send("PATCH", address(synced, "plan=false"), body)
    planned_only = editor.send("PATCH", address(synced), body)

    assert 400 <= refused.status_code < 500
    assert (planned_only.status_code, planned_only.json()["message"]) == (
        refused.status_code,
        refused.json()["message"],
    )


def test_says_why_there_is_no_plan(editor: Caller, synced: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key(API_KEY)

    response = editor.send("PATCH", address(synced), {"syncOptions": OPTIONS})

    assert response.status_code >= 400
    assert "API key" in response.json()["message"]


@pytest.mark.parametrize("missing", ["plan_devinsync", "change_devinsync"])
def test_takes_the_right_to_see_plans(synced: Bench, missing: str) -> None:
    user = User.objects.create_user("half")
    user.user_permissions.set(Permission.objects.exclude(codename=missing))

    assert make_caller(user).send("PATCH", address(synced), {"description": "x"}).status_code == 403
