"""`manage.py backup` copies a database that is in use, whole and for its user alone."""

import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.actors import ANYBODY
from vault.editing import create_project

pytestmark = [pytest.mark.django_db(transaction=True)]
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'")


def back_up(target: Path) -> str:
    out = io.StringIO()
    call_command("backup", str(target), stdout=out)
    return out.getvalue()


def projects_in(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT name FROM vault_project ORDER BY name")]


@pytest.fixture
def reader() -> Iterator[sqlite3.Connection]:
    """Somebody who is reading, so that what is written stays in the log beside the file."""
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM vault_project").fetchone()
        yield other


@sqlite_only
def test_holds_what_a_copy_of_the_file_would_lack(tmp_path: Path, reader: sqlite3.Connection) -> None:
    create_project(name="Written last", environments=(), by=ANYBODY)

    told = back_up(tmp_path / "copy.sqlite3")

    copied = Path(str(connection.settings_dict["NAME"])).read_bytes()
    assert projects_in(tmp_path / "copy.sqlite3") == ["Written last"]
    assert b"Written last" not in copied
    assert f"Copied the database to {tmp_path / 'copy.sqlite3'}" in told
    assert "secrets.env" in told


@sqlite_only
def test_waits_for_no_writer_and_takes_nothing_half(tmp_path: Path) -> None:
    create_project(name="Before", environments=(), by=ANYBODY)
    with transaction.atomic():
        create_project(name="Under way", environments=(), by=ANYBODY)

        back_up(tmp_path / "copy.sqlite3")

    assert projects_in(tmp_path / "copy.sqlite3") == ["Before"]


@sqlite_only
def test_the_copy_is_one_file_for_its_user_alone(tmp_path: Path) -> None:
    back_up(tmp_path / "copy.sqlite3")

    assert [path.name for path in tmp_path.iterdir()] == ["copy.sqlite3"]
    assert (tmp_path / "copy.sqlite3").stat().st_mode & 0o777 == 0o600


@sqlite_only
def test_touches_no_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "older").write_text("precious")

    with pytest.raises(CommandError, match="is there already"):
        back_up(tmp_path / "older")

    assert (tmp_path / "older").read_text() == "precious"


@sqlite_only
def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        back_up(tmp_path / "missing" / "copy.sqlite3")


@sqlite_only
def test_leaves_nothing_behind_that_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "absent.sqlite3")
    os.mkdir(tmp_path / "copies")

    with pytest.raises(CommandError, match="could not be copied"):
        back_up(tmp_path / "copies" / "copy.sqlite3")

    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.postgresql
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_names_the_way_to_copy_postgresql(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="pg_dump"):
        back_up(tmp_path / "copy")
