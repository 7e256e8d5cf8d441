"""`export` and `apply`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.conftest import API_KEY, Bench, Manage
from vault.editing import create_environment, create_folder
from vault.models import Project


@pytest.fixture
def document(sync: DevinSync, manage: Manage) -> dict[str, Any]:
    return yaml.safe_load(manage("export"))  # type: ignore[no-any-return]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "syncs.yaml"


def write(file: Path, document: dict[str, Any]) -> str:
    file.write_text(yaml.safe_dump(document))
    return str(file)


def test_exports_everything_but_keys_and_values(bench: Bench, manage: Manage) -> None:
    bench.source(A="canary")

    printed = manage("export")

    assert API_KEY not in printed
    assert "canary" not in printed
    (sync,) = yaml.safe_load(printed)["syncs"]
    assert (sync["project"], sync["environment"], sync["path"]) == ("acme-shop", "dev", "/my-secrets")
    assert (sync["connection"], sync["org_id"], sync["reconcile_minutes"]) == ("acme", "org-sandbox", 15)


def test_applying_what_is_there_changes_nothing(document: dict[str, Any], file: Path, manage: Manage) -> None:
    assert manage("apply", write(file, document)) == "Nothing to change.\n"

    assert DevinSync.objects.get().version == 1
    assert not SyncRun.objects.exists()


def test_a_dry_run_prints_the_difference_alone(document: dict[str, Any], file: Path, manage: Manage) -> None:
    document["syncs"][0]["key_schema"] = "P_{{secretKey}}"

    printed = manage("apply", write(file, document), dry_run=True)

    assert "~ sync acme-shop/my-devin-sync\n    key_schema: '' -> 'P_{{secretKey}}'" in printed
    assert DevinSync.objects.get().key_schema == ""


def test_applies_changes_and_runs_the_sync(document: dict[str, Any], file: Path, manage: Manage) -> None:
    document["syncs"][0]["key_schema"] = "P_{{secretKey}}"

    manage("apply", write(file, document))

    sync = DevinSync.objects.get()
    assert (sync.key_schema, sync.version) == ("P_{{secretKey}}", 2)
    assert SyncRun.objects.get().trigger == Trigger.EDIT
    assert manage("apply", str(file)) == "Nothing to change.\n"


def test_makes_what_is_missing(document: dict[str, Any], file: Path, manage: Manage) -> None:
    document["connections"].append({"name": "second"})
    document["syncs"].append(document["syncs"][0] | {"name": "other", "connection": "second", "is_enabled": False})

    printed = manage("apply", write(file, document))

    assert "+ connection second" in printed
    assert "has no API key yet" in printed
    assert DevinSync.objects.get(name="other").connection.name == "second"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"project": "none"}, "names the project 'none'"),
        ({"path": "/none"}, "no folder /none"),
        ({"connection": "none"}, "names the connection 'none'"),
        ({"org_id": "acme"}, "starts with"),
        ({"key_schema": "NONE"}, "exactly once"),
        ({"is_enabled": "perhaps"}, "is_enabled"),
        ({"name": ""}, "has no name"),
        ({"api_key": "cog_x"}, "has api_key"),
    ],
)
def test_says_what_is_wrong_and_changes_nothing(
    document: dict[str, Any], file: Path, manage: Manage, change: dict[str, Any], told: str
) -> None:
    document["connections"].append({"name": "second"})
    document["syncs"][0] |= change

    with pytest.raises(CommandError, match=told):
        manage("apply", write(file, document))

    assert not Connection.objects.filter(name="second").exists()


def test_a_new_address_is_for_the_admin(document: dict[str, Any], file: Path, manage: Manage) -> None:
    document["connections"][0]["base_url"] = "https://elsewhere.example.com"

    with pytest.raises(CommandError, match="API key is entered again"):
        manage("apply", write(file, document))


def test_refuses_files_that_cannot_be_read(file: Path, manage: Manage, db: None) -> None:
    with pytest.raises(CommandError, match="Could not read"):
        manage("apply", str(file))
    file.write_text("a: [")
    with pytest.raises(CommandError, match="not valid YAML at line"):
        manage("apply", str(file))


# Who did it, and what became of what was left


def test_notes_who_applied_what(document: dict[str, Any], file: Path, manage: Manage, admin_user: User) -> None:
    document["syncs"][0]["org_id"] = "org-elsewhere"
    document["connections"].append({"name": "second"})

    manage("apply", write(file, document), actor=admin_user.username)

    assert {entry.user for entry in LogEntry.objects.all()} == {admin_user}
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "Added on the command line.",
        "Changed org_id from 'org-sandbox' to 'org-elsewhere' on the command line.",
    ]


def test_what_nobody_is_named_for_is_noted_too(document: dict[str, Any], file: Path, manage: Manage) -> None:
    document["syncs"][0]["description"] = "new"

    manage("apply", write(file, document))

    user = LogEntry.objects.get().user
    assert user.username == "(command line)"
    assert not user.is_active
    assert not user.has_usable_password()
    assert SyncRun.objects.get().requested_by is None


def test_an_actor_must_be_an_active_user(
    document: dict[str, Any], file: Path, manage: Manage, admin_user: User
) -> None:
    document["syncs"][0]["description"] = "new"
    User.objects.update(is_active=False)

    for unknown in ("nobody", admin_user.username):
        with pytest.raises(CommandError, match="There is no active user"):
            manage("apply", write(file, document), actor=unknown)

    assert DevinSync.objects.get().description == ""


def test_one_sync_that_must_stay_keeps_all_as_they_were(document: dict[str, Any], file: Path, manage: Manage) -> None:
    run = request_run(DevinSync.objects.get(), trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    document["syncs"][0]["org_id"] = "org-elsewhere"
    document["connections"].append({"name": "second"})

    with pytest.raises(CommandError, match=r"my-devin-sync stays as it is\. A run of this sync is under way"):
        manage("apply", write(file, document))

    assert DevinSync.objects.get().org_id == "org-sandbox"
    assert not Connection.objects.filter(name="second").exists()
    assert not LogEntry.objects.exists()


def test_a_sync_named_twice_is_refused(document: dict[str, Any], file: Path, manage: Manage) -> None:
    new = document["syncs"][0] | {"name": "other"}
    document["syncs"] += [new, new | {"description": "again"}]

    with pytest.raises(CommandError, match=r"Line \d+: The sync other stands here and in line \d+"):
        manage("apply", write(file, document))

    assert DevinSync.objects.count() == 1


# What a dry run tells of Devin


def test_a_dry_run_shows_the_plan_of_each_sync(
    bench: Bench, project: Project, file: Path, manage: Manage, organization: SandboxOrganization
) -> None:
    create_folder(create_environment(project, name="Production", slug="prod", by=ANYBODY), "/my-secrets", by=ANYBODY)
    bench.source(A="canary-1", B="canary-2")
    bench.run()
    wanted = yaml.safe_load(manage("export"))
    wanted["syncs"][0] |= {"key_schema": "P_{{secretKey}}"}

    printed = manage("apply", write(file, wanted), dry_run=True)

    assert "    ~ rename A → P_A\n    ~ rename B → P_B\n" in printed
    assert "    0 to create, 0 to replace, 2 to rename, 0 to delete, 0 to keep" in printed
    wanted["syncs"][0] |= {"environment": "prod"}
    printed = manage("apply", write(file, wanted), dry_run=True)
    assert "    The environment changes from dev to prod.\n    - delete A" in printed
    assert "canary" not in printed
    assert organization.values() == {"A": "canary-1", "B": "canary-2"}
    assert DevinSync.objects.get().key_schema == ""


def test_a_dry_run_tells_programs_the_plan_too(bench: Bench, file: Path, manage: Manage) -> None:
    bench.source(A="canary")
    wanted = yaml.safe_load(manage("export"))
    wanted["syncs"][0] |= {"key_schema": "P_{{secretKey}}"}

    (told,) = json.loads(manage("apply", write(file, wanted), dry_run=True, json=True))["plans"]

    assert told["plan"]["counts"]["create"] == 1
    assert told["plan"]["changes"][0]["destinationKey"] == "P_A"


def test_a_dry_run_looks_by_the_key_that_would_be_stored(
    bench: Bench, file: Path, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source(A="canary")
    wanted = yaml.safe_load(manage("export"))
    wanted["connections"][0] |= {"name": "new", "api_key_env": "NEW_KEY"}
    wanted["syncs"][0] |= {"name": "second", "connection": "new", "key_schema": "S_{{secretKey}}"}
    monkeypatch.setenv("NEW_KEY", API_KEY)

    printed = manage("apply", write(file, wanted), dry_run=True)

    assert "    + create S_A" in printed
    assert API_KEY not in printed


def test_a_dry_run_says_why_there_is_no_plan(bench: Bench, file: Path, manage: Manage, sandbox: Sandbox) -> None:
    wanted = yaml.safe_load(manage("export"))
    wanted["syncs"][0] |= {"key_schema": "P_{{secretKey}}"}
    sandbox.directory.revoke_key(API_KEY)

    assert "! The plan could not be calculated." in manage("apply", write(file, wanted), dry_run=True)


def test_a_dry_run_names_what_is_removed(bench: Bench, file: Path, manage: Manage) -> None:
    bench.source(A="canary")
    bench.run()
    wanted = yaml.safe_load(manage("export")) | {"syncs": []}

    printed = manage("apply", write(file, wanted), dry_run=True, prune=True, remove_secrets=True)

    assert "    - delete A" in printed
