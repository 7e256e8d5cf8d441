"""A database that a released version left goes forward to this code: whole, and its syncs run on."""

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.apps import apps
from django.db import connection

from common.version import VERSION
from devinsync_site.backups.contents import LEFT_OUT
from tests.beside import empty_database
from tests.patience import PATIENCE
from tests.releases.environment import PATIENT, ROOT, environment, kept_versions

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
each_version = pytest.mark.parametrize("version", kept_versions(), ids=lambda folder: folder.name)


@pytest.fixture
def address(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Of an empty database beside that of the tests, of the same kind."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'devinsync.sqlite3'}"
        return
    with empty_database("kept") as found:
        yield found


def lay(version: Path, address: str) -> None:
    """Its schema and its rows, as its own code made them."""
    sql = gzip.decompress((version / f"{connection.vendor}.sql.gz").read_bytes()).decode()
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(urlsplit(address).path)) as database:
            database.executescript(sql)
    else:
        with psycopg.connect(address, autocommit=True) as database:
            database.execute(sql.encode())


def held_by_devin(version: Path) -> Path:
    """One for both databases, where one was made of the other."""
    own = version / f"devin.{connection.vendor}.json"
    return own if own.exists() else version / "devin.json"


def run(address: str, tmp_path: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(address, tmp_path, **PATIENT),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def check_facts(version: Path, now: dict[str, Any]) -> None:
    recorded: dict[str, Any] = json.loads((version / "facts.json").read_text())
    log = recorded.pop("log", [])
    assert {name: now[name] for name in recorded} == recorded
    # What this version has done to it since may be noted too.
    assert now["log"][: len(log)] == log


def check_runs(told: dict[str, Any]) -> None:
    """All of it arrives, once each; a second run of each sync has nothing to do."""
    assert told["first"]
    assert {run[0] for run in told["first"].values()} == {"succeeded"}
    assert set(map(tuple, told["again"].values())) == {("succeeded", 0, 0, 0, 0)}
    for organization, keys in told["wanted"].items():
        held = told["devin"][organization]
        assert {key: held[key] for key in keys} == {key: [digest] for key, digest in keys.items()}


@each_version
def test_its_rows_and_schema_go_forward_and_its_syncs_go_on(version: Path, address: str, tmp_path: Path) -> None:
    lay(version, address)

    run(address, tmp_path, "manage.py", "prepare")

    shutil.copyfile(held_by_devin(version), tmp_path / "devin.json")
    told = json.loads(run(address, tmp_path, "-m", "tests.releases.carry_on", tmp_path / "devin.json"))
    check_facts(version, told["facts"])
    check_runs(told)


@pytest.mark.parametrize(
    "version", [path for path in kept_versions() if (path / "backup.gz").exists()], ids=lambda f: f.name
)
def test_a_backup_of_it_can_be_restored(version: Path, address: str, tmp_path: Path) -> None:
    run(address, tmp_path, "manage.py", "restore", version / "backup.gz")

    check_facts(version, json.loads(run(address, tmp_path, "-m", "tests.releases.facts")))


def test_the_newest_one_is_this_version_and_has_rows_in_every_table(address: str, tmp_path: Path) -> None:
    newest = kept_versions()[-1]
    lay(newest, address)
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    there = tables_with_rows(address)

    assert newest.name == VERSION
    # A table that is newer than the release is not there at all.
    empty = {model._meta.label_lower for model in models if there.get(model._meta.db_table) is False}
    assert empty - LEFT_OUT == set()


LIST_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def tables_with_rows(address: str) -> dict[str, bool]:
    """Whether each table has a row."""
    is_file = connection.vendor == "sqlite"
    opened: Any = sqlite3.connect(urlsplit(address).path) if is_file else psycopg.connect(address)
    with closing(opened) as database:
        names = [name for (name,) in database.execute(LIST_TABLES[connection.vendor]).fetchall()]
        rows = {name: database.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchall() for name in names}  # noqa: S608
    return {name: bool(found) for name, found in rows.items()}
