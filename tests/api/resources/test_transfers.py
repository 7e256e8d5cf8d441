"""Copies, moves and exports by REST: what the pages do, with the same rights and the same lines in the log."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from accounts.roles import EDITOR
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from vault import editing
from vault.models import Folder, Secret

BASE = "/api/v1/transfers"
CANARY = "canary-transfer-8d"


@pytest.fixture
def here(folder: Folder) -> dict[str, Any]:
    """A folder that another one refers to."""
    other = editing.create_folder(folder.environment, "/other", by=ANYBODY)
    editing.set_secrets(other, {"URL": "${dev.my-secrets.API_KEY}"}, by=ANYBODY)
    return {"projectId": str(folder.environment.project_id), "environment": "dev"}


def secrets(here: dict[str, Any], *keys: str, environment: str = "prod", **fields: Any) -> dict[str, Any]:
    to = {"environment": environment, "secretPath": "/there"}
    return here | {"secretPath": "/my-secrets", "secretKeys": list(keys), "destination": to} | fields


def tree(here: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return here | {"path": "/my-secrets", "destination": {"environment": "prod", "path": "/"}} | fields


def places() -> set[str]:
    rows = Secret.objects.select_related("folder__environment")
    return {f"{row.folder.environment.slug}:{row.folder.path} {row.key}" for row in rows}


def told() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_copies_secrets_and_leaves_what_is_there(editor: Caller, here: dict[str, Any]) -> None:
    first = editor.post(f"{BASE}/secrets/copy", secrets(here, "DB_URL"))["transfer"]
    second = editor.post(f"{BASE}/secrets/copy", secrets(here, "DB_URL", "API_KEY"))["transfer"]

    assert (first["environment"], first["path"], first["created"]) == ("prod", "/there", ["DB_URL"])
    assert (second["created"], second["kept"]) == (["API_KEY"], ["DB_URL"])
    assert {"dev:/my-secrets DB_URL", "prod:/there DB_URL", "prod:/there API_KEY"} <= places()
    by = "through the API with API token tests."
    assert told()[0] == f"Copied DB_URL from dev:/my-secrets to prod:/there {by}"


def test_moves_secrets_and_lets_references_follow(editor: Caller, here: dict[str, Any]) -> None:
    answer = editor.post(f"{BASE}/secrets/move", secrets(here, "API_KEY", environment="dev"))["transfer"]

    (reference,) = answer["references"]
    assert (reference["secretKey"], reference["becomes"]) == ("URL", "${dev.there.API_KEY}")
    assert "dev:/there API_KEY" in places()
    assert "dev:/my-secrets API_KEY" not in places()
    assert LogEntry.objects.count() == 2, "a line at each end"


def test_copies_and_moves_folders(editor: Caller, here: dict[str, Any]) -> None:
    assert editor.post(f"{BASE}/folders/copy", tree(here))["transfer"]["created"] == ["/my-secrets"]
    editor.post(f"{BASE}/folders/copy", tree(here), status=400)
    moved = tree(here, destination={"environment": "dev", "path": "/deep"}, updateReferences=False)

    answer = editor.post(f"{BASE}/folders/move", moved)["transfer"]

    assert answer["created"] == ["/deep/my-secrets"]
    assert {"prod:/my-secrets API_KEY", "dev:/deep/my-secrets API_KEY"} <= places()


@pytest.mark.parametrize("what", ["secrets/copy", "secrets/move", "folders/copy", "folders/move"])
def test_a_plan_changes_nothing(editor: Caller, here: dict[str, Any], what: str) -> None:
    body = secrets(here, "API_KEY") if what.startswith("secrets") else tree(here)
    before = (places(), Folder.objects.count())

    answer = editor.post(f"{BASE}/{what}?plan=true", body)

    assert isinstance(answer["effects"], list)
    assert (places(), Folder.objects.count(), told()) == (*before, [])


def test_what_is_taken_is_refused(editor: Caller, here: dict[str, Any]) -> None:
    editor.post(f"{BASE}/secrets/copy", secrets(here, "API_KEY"))

    editor.post(f"{BASE}/secrets/move", secrets(here, "API_KEY"), status=400)
    editor.post(f"{BASE}/secrets/copy", secrets(here, "NONE"), status=404)
    editor.post(f"{BASE}/secrets/copy", secrets(here, "API_KEY", environment="none"), status=404)
    editor.post(f"{BASE}/secrets/copy", secrets(here), status=422)


@pytest.mark.parametrize(("form", "count"), [("json", 2), ("dotenv", 2)])
def test_exports_what_devin_gets_and_says_so(editor: Caller, here: dict[str, Any], form: str, count: int) -> None:
    query = f"projectId={here['projectId']}&environment=dev&path=/my-secrets&format={form}"

    export = editor.get(f"{BASE}/export?{query}")["export"]

    assert (export["format"], export["count"]) == (form, count)
    assert "k-123" in export["content"]
    if form == "json":
        assert json.loads(export["content"])["API_KEY"] == "k-123"
    name = "JSON" if form == "json" else ".env"
    assert told()[-1].startswith(f"Exported the values of 2 secrets as {name}, as Devin gets them through the API")
    assert "k-123" not in str(told())


def test_values_leave_only_with_who_may_read_them(here: dict[str, Any]) -> None:
    user = make_user("careful", EDITOR)
    caller = make_caller(user, scopes=["vault:read", "vault:write"])
    query = f"projectId={here['projectId']}&environment=dev&path=/my-secrets"

    caller.get(f"{BASE}/export?{query}", status=403)
    caller.post(f"{BASE}/secrets/copy", secrets(here, "API_KEY"), status=403)
    caller.post(f"{BASE}/folders/copy", tree(here), status=403)
    caller.post(f"{BASE}/secrets/move", secrets(here, "API_KEY"), status=403)

    assert "prod:/there API_KEY" not in places()
    assert told() == []
