"""`export` and `apply`."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError

from connections.models import Connection
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from tests.syncs.conftest import API_KEY, Bench, Manage


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
