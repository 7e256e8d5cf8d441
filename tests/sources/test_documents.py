"""The file that a team keeps in git, with syncs from projects that are kept elsewhere."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.core.management import CommandError, call_command

from connections.models import Connection
from sandbox.organization import Organization
from sources.errors import Unavailable
from syncs.choices import Status
from syncs.editing.declaration import describe_all
from syncs.editing.declaration_schema import declaration_schema
from syncs.models import DevinSync
from tests.sources.memory import Shelf
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder, Project


@pytest.fixture
def entry(shelf_project: Project, connection: Connection, rung: list[str]) -> dict[str, Any]:
    return {
        "name": "from-the-shelf", "project": "shelf", "source_connection": "shelf", "environment": "dev",
        "path": "/app", "connection": "acme", "org_id": ORG,
    }  # fmt: skip


def apply(file: Path, *entries: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump({"syncs": list(entries)}))
    call_command("apply", str(file), verbosity=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "syncs.yaml"


def test_a_sync_is_made_and_runs(file: Path, entry: dict[str, Any], organization: Organization) -> None:
    apply(file, entry)

    sync = DevinSync.objects.get()
    assert Bench(sync, Folder()).carry_out(sync.runs.get()).status == Status.SUCCEEDED
    assert organization.values() == {"C": "3"}


def test_what_is_exported_names_the_connection_and_applies_without_a_change(
    file: Path, entry: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    apply(file, entry)

    told = describe_all()
    assert entry.items() <= told["syncs"][0].items()
    jsonschema_rs.validator_for(declaration_schema()).validate(told)
    file.write_text(yaml.safe_dump({"syncs": told["syncs"]}))
    capsys.readouterr()
    call_command("apply", str(file))
    assert "Nothing to change." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source_connection": "other"}, "is kept in Memory: shelf, not behind the connection other"),
        ({"path": "/nope"}, "There is no folder /nope"),
        ({"environment": "qa"}, "has no environment “qa”"),
        ({"connection": "shelf"}, "shelf"),
    ],
)
def test_what_cannot_be_is_said(file: Path, entry: dict[str, Any], change: dict[str, str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        apply(file, entry | change)

    assert not DevinSync.objects.exists()


def test_a_project_of_the_vault_has_no_such_connection(file: Path, entry: dict[str, Any], project: Project) -> None:
    with pytest.raises(CommandError, match="is kept in the vault, not behind the connection shelf"):
        apply(file, entry | {"project": project.slug})


def test_a_source_that_is_away_stops_what_needs_it(shelf: Shelf, file: Path, entry: dict[str, Any]) -> None:
    apply(file, entry)
    shelf.says = Unavailable("The shelf did not answer. Try again in a moment.")

    apply(file, entry | {"description": "the place stays, so nobody is asked"})
    with pytest.raises(CommandError, match="did not answer"):
        apply(file, entry | {"path": "/"})

    assert DevinSync.objects.get().source_label == "dev:/app"
