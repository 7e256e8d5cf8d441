"""`?plan=true`: each route that changes the vault tells what that would do in Devin, and changes nothing."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from accounts.roles import EDITOR
from api.models import IdempotencyKey
from audit.models import Entry
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from vault import editing
from vault.models import Environment, Folder, Project, Secret, SecretImport
from vault.trash import in_trash

CANARY = "canary-plan-2b7d"


@pytest.fixture
def shared(sync: DevinSync, folder: Folder) -> Folder:
    """A folder of one more key, and one that the synced folder imports."""
    other = editing.create_folder(folder.environment, "/other", by=ANYBODY)
    editing.set_secret(other, "IMPORTED", "1", by=ANYBODY)
    editing.add_import(folder, other, by=ANYBODY)
    shared = editing.create_folder(folder.environment, "/shared", by=ANYBODY)
    editing.set_secret(shared, "SHARED", CANARY, by=ANYBODY)
    return shared


def place(folder: Folder) -> dict[str, Any]:
    return {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


def routes(folder: Folder) -> dict[str, tuple[str, str, dict[str, Any], dict[str, list[str]]]]:
    """By name: the method, the path, what is sent, and what it would do."""
    project, row = folder.environment.project_id, SecretImport.objects.get()
    value, at = {"secretValue": CANARY}, place(folder)
    beside = {"projectId": str(project), "environment": "dev", "path": "/my-secrets"}
    both = [{"secretKey": "DB_URL"}, {"secretKey": "API_KEY"}]
    new = {"environment": "dev", "path": "/shared"}
    return {
        "a new secret": ("POST", "/api/v4/secrets/NEW", at | value, {"creates": ["NEW"]}),
        "a new secret (v3)": ("POST", "/api/v3/secrets/raw/NEW", at | value, {"creates": ["NEW"]}),
        "new secrets": (
            "POST",
            "/api/v4/secrets/batch",
            at | {"secrets": [{"secretKey": "NEW", **value}]},
            {"creates": ["NEW"]},
        ),
        "another value": ("PATCH", "/api/v4/secrets/DB_URL", at | value, {"creates": ["DB_URL"]}),
        "a secret goes": ("DELETE", "/api/v4/secrets/DB_URL", at, {}),
        "secrets go": ("DELETE", "/api/v4/secrets/batch", at | {"secrets": both}, {}),
        "an import": ("POST", "/api/v1/secret-imports", beside | {"import": new}, {"creates": ["SHARED"]}),
        "an import goes": ("DELETE", f"/api/v1/secret-imports/{row.pk}", beside, {}),
        "a folder goes": ("DELETE", "/api/v1/folders/my-secrets", beside | {"path": "/"}, {}),
        "an environment goes": ("DELETE", f"/api/v1/projects/{project}/environments/{folder.environment_id}", {}, {}),
        "a new folder": ("POST", "/api/v1/folders", beside | {"path": "/", "name": "new"}, {}),
    }


def state() -> list[Any]:
    models: list[Any] = [Project, Environment, Folder, Secret, SecretImport, SyncRun, LogEntry, IdempotencyKey]
    return [list(model.objects.order_by("pk").values()) for model in models] + [
        in_trash().count(),
        Entry.objects.count(),
    ]


@pytest.mark.parametrize("name", ["a new secret", "a new secret (v3)", "new secrets", "an import"])
def test_tells_what_it_would_create(editor: Caller, shared: Folder, folder: Folder, name: str) -> None:
    method, path, body, does = routes(folder)[name]

    (effect,) = editor.ask(method, f"{path}?plan=true", body)["effects"]

    assert effect["reader"] == "my-devin-sync"
    assert {verb: effect[verb] for verb in does} == does
    assert "url" not in effect


def test_changes_nothing_whatever_the_route(editor: Caller, shared: Folder, folder: Folder) -> None:
    before = state()

    for name, (method, path, body, _) in routes(folder).items():
        answer = editor.send(method, f"{path}?plan=true", body, Idempotency_Key="one")
        assert answer.status_code == 200, (name, answer.content)
        assert CANARY not in answer.content.decode()
        assert set(answer.json()) == {"effects"}

    assert state() == before


def test_refuses_what_the_route_refuses(editor: Caller, viewer: Caller, shared: Folder, folder: Folder) -> None:
    at = place(folder)

    editor.ask("POST", "/api/v4/secrets/DB_URL?plan=true", at | {"secretValue": "1"}, status=400)
    editor.ask("DELETE", "/api/v4/secrets/NONE?plan=true", at, status=404)
    viewer.ask("DELETE", "/api/v4/secrets/DB_URL?plan=true", at, status=403)
    editor.ask("DELETE", "/api/v4/secrets/DB_URL?plan=perhaps", at, status=422)

    assert folder.secrets.count() == 2


def test_whether_a_value_is_another_one_is_told_to_who_may_read(shared: Folder, folder: Folder) -> None:
    reader = make_caller(make_user("reader", EDITOR), scopes=["vault:read", "vault:write", "vault:reveal"])
    writer = make_caller(make_user("writer", EDITOR), scopes=["vault:read", "vault:write"])
    path, same, other = "/api/v4/secrets/DB_URL?plan=true", {"secretValue": "postgres://db"}, {"secretValue": CANARY}

    assert reader.patch(path, place(folder) | same)["effects"] == []
    assert reader.patch(path, place(folder) | other)["effects"] != []
    assert writer.patch(path, place(folder) | same) == writer.patch(path, place(folder) | other) == {"effects": []}


def test_what_the_api_deletes_is_in_the_trash(editor: Caller, folder: Folder) -> None:
    editor.delete("/api/v4/secrets/DB_URL", place(folder))

    entry = in_trash().get()
    editing.restore(entry, by=ANYBODY)

    assert sorted(folder.secrets.values_list("key", flat=True)) == ["API_KEY", "DB_URL"]


def test_another_key_and_value_at_once_is_a_rename(editor: Caller, sync: DevinSync, worker: None) -> None:
    DevinSync.objects.update(auto_sync_enabled=False)
    editor.post(f"/api/v1/secret-syncs/devin/{sync.pk}/sync-secrets")
    at = {"projectId": str(sync.project_id), "environment": "dev", "secretPath": "/my-secrets"}
    both = at | {"newSecretName": "NEW", "secretValue": CANARY}

    (effect,) = editor.patch("/api/v4/secrets/DB_URL?plan=true", both)["effects"]
    editor.patch("/api/v4/secrets/DB_URL", both)
    plan = editor.post(f"/api/v1/secret-syncs/devin/{sync.pk}/plan")["plan"]

    assert (effect["renames"], effect["creates"], effect["deletes"]) == ([{"from": "DB_URL", "to": "NEW"}], [], [])
    assert (plan["counts"]["rename"], plan["counts"]["create"], plan["counts"]["delete"]) == (1, 0, 0)


def test_references_that_would_lead_nowhere_are_told_though_nobody_reads_them(editor: Caller, folder: Folder) -> None:
    other = editing.create_folder(folder.environment, "/unread", by=ANYBODY)
    editing.set_secrets(other, {"HOST": CANARY, "URL": "${HOST}"}, by=ANYBODY)
    at = place(folder) | {"secretPath": "/unread"}

    answer = editor.ask("DELETE", "/api/v4/secrets/HOST?plan=true", at)

    told = {"secretKey": "URL", "environment": "dev", "secretPath": "/unread", "reference": "${HOST}"}
    assert answer == {"effects": [], "danglingReferences": [told]}
