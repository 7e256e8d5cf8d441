"""An installation that has worked, empty databases beside it, and commands that run on either."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from connections.models import Connection
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.models import DevinSync
from syncs.runs import jobs
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.beside import empty_database
from tests.patience import PATIENCE
from vault.editing import create_environment, create_folder, create_project, set_secrets
from vault.models import Secret

CANARY = "canary-in-the-backup"
API_KEY = "cog_sandbox"


@pytest.fixture
def worked(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> DevinSync:
    """A sync that has run, and all that it needs; people with rights."""
    monkeypatch.setattr("syncs.runs.ask.ring", lambda run_id, project_id: True)
    project = create_project(name="Käse & “Shop”", slug="shop", environments=(), by=ANYBODY)
    folder = create_folder(create_environment(project, name="Prod", slug="prod", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"A": CANARY, "B": "${A}/x", "C": "first"}, by=ANYBODY)
    set_secrets(folder, {"C": "second\nline"}, by=ANYBODY)
    Secret.objects.filter(key="A").update(rotate_by=date(2027, 2, 28))
    group = Group.objects.create(name="Operators")
    group.permissions.add(Permission.objects.get(codename="pause_syncs"))
    User.objects.create_user("alice", password="no canary").groups.add(group)
    with Sandbox() as server:
        devin = Connection(name="acme", base_url=server.url)
        devin.set_api_key(API_KEY)
        devin.save()
        sync = DevinSync.objects.create(
            name="shop-to-devin", project=project, folder=folder, connection=devin, org_id="org-sandbox"
        )
        run = request_run(sync, trigger=Trigger.MANUAL, operation=Operation.SYNC)
        jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    return sync


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"


@pytest.fixture
def postgresql_address(transactional_db: None) -> Iterator[str]:
    """Of an empty database beside that of the tests."""
    with empty_database("elsewhere") as found:
        yield found


def manage(address: str, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command on the database of this address."""
    return subprocess.run(
        [sys.executable, "-m", "django", *map(str, arguments)],
        env=os.environ | {"DATABASE_URL": address} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def back_up(file: Path) -> Path:
    call_command("backup", str(file))
    return file


def lines_of(file: Path) -> list[Any]:
    with gzip.open(file, "rt") as text:
        return [json.loads(line) for line in text]


def rows_of(file: Path) -> dict[str, list[Any]]:
    """By table, each row as a dictionary."""
    found: dict[str, list[Any]] = {}
    for line in lines_of(file)[1:-1]:
        if isinstance(line, dict):
            table, columns = line["table"], line["columns"]
            found[table] = []
        else:
            found[table].append(dict(zip(columns, line, strict=True)))
    return found
