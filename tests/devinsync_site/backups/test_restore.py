"""`manage.py restore` makes of an empty database what a backup holds, on either kind, and of no other."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from notices.models import Channel
from syncs.models import DevinSync, SyncControl
from tests.devinsync_site.backups.conftest import back_up, lines_of, manage, rows_of

pytestmark = [pytest.mark.django_db(transaction=True)]


def restored(file: Path, address: str, *options: str) -> Path:
    """What a backup of the restored database holds."""
    done = manage(address, "restore", file, *options)
    assert done.returncode == 0, done.stderr
    again = file.with_name(f"{file.name}-again")
    done = manage(address, "backup", again)
    assert done.returncode == 0, done.stderr
    return again


def same_rows(one: Path, other: Path) -> None:
    first, second = rows_of(one), rows_of(other)
    assert set(first) == set(second)
    for table, rows in first.items():
        assert {tuple(map(str, row.items())) for row in rows} == {tuple(map(str, row.items())) for row in second[table]}


def paused(file: Path) -> Any:
    return rows_of(file)["syncs.synccontrol"][0]["is_paused"]


def test_every_row_comes_back_on_sqlite(worked: DevinSync, tmp_path: Path, sqlite_address: str) -> None:
    file = back_up(tmp_path / "backup")

    again = restored(file, sqlite_address, "--not-paused")

    same_rows(file, again)
    assert lines_of(again)[0]["instance_id"] == SyncControl.get().instance_id
    assert "are as they were left" in manage(sqlite_address, "verify_vault").stdout
    assert manage(sqlite_address, "migrate", "--check").returncode == 0
    assert (tmp_path / "elsewhere.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.postgresql
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_every_row_moves_between_postgresql_and_sqlite_and_back(
    worked: DevinSync, tmp_path: Path, sqlite_address: str, postgresql_address: str
) -> None:
    file = back_up(tmp_path / "backup")

    on_sqlite = restored(file, sqlite_address, "--not-paused")
    back = restored(on_sqlite, postgresql_address, "--not-paused")

    same_rows(file, back)
    assert "are as they were left" in manage(postgresql_address, "verify_vault").stdout
    # New rows get numbers beyond those that came.
    assert manage(postgresql_address, "createsuperuser", "--noinput", "--username=bob", "--email=").returncode == 0


def test_syncs_and_channels_wait_for_a_person(worked: DevinSync, tmp_path: Path, sqlite_address: str) -> None:
    Channel.objects.create(name="On-call")
    done = manage(sqlite_address, "restore", back_up(tmp_path / "backup"))

    assert "All syncs are paused." in done.stdout
    manage(sqlite_address, "backup", tmp_path / "again")
    assert paused(tmp_path / "again") is True
    assert [row["is_enabled"] for row in rows_of(tmp_path / "again")["notices.channel"]] == [False]
    assert paused(tmp_path / "backup") is False

    refused = manage(sqlite_address, "restore", tmp_path / "backup")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "This database is in use: " in refused.stderr


def test_what_was_made_by_newer_code_is_refused(worked: DevinSync, tmp_path: Path, sqlite_address: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('syncs', '9999_of_the_future', '2026-01-01')"
        )
    try:
        file = back_up(tmp_path / "backup")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_of_the_future'")

    done = manage(sqlite_address, "restore", file)

    assert done.returncode == 1
    assert "which is newer (syncs.9999_of_the_future)" in done.stderr
    assert "Traceback" not in done.stderr
    assert tables_in(tmp_path / "elsewhere.sqlite3") == 0


def tables_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


# Moving


def test_moves_everything_and_leaves_the_old_one_paused(
    worked: DevinSync, tmp_path: Path, sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = back_up(tmp_path / "backup")
    monkeypatch.setenv("NEW_DATABASE_URL", sqlite_address)

    call_command("move_database", "--stopped")

    assert manage(sqlite_address, "backup", tmp_path / "again").returncode == 0
    same_rows(file, tmp_path / "again")
    assert SyncControl.get().is_paused


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "Set NEW_DATABASE_URL to the address of the empty database"),
        ("postgresql://nobody:canary@127.0.0.1:9/none", "The new database was not filled. The database"),
        (
            "mysql://nobody:canary@127.0.0.1/none",
            "See whether NEW_DATABASE_URL is the address of a",
        ),
    ],
)
def test_nothing_changes_where_it_cannot_be_moved(monkeypatch: pytest.MonkeyPatch, address: str, why: str) -> None:
    monkeypatch.setenv("NEW_DATABASE_URL", address)

    with pytest.raises(CommandError, match=why) as refused:
        call_command("move_database", "--stopped")

    assert "canary" not in str(refused.value)
    assert not SyncControl.get().is_paused


def test_is_not_moved_while_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    SyncControl.objects.filter(pk=SyncControl.get().pk).update(scheduler_seen_at=timezone.now())
    monkeypatch.setenv("NEW_DATABASE_URL", "sqlite:////nowhere")

    with pytest.raises(CommandError, match="Stop every process"):
        call_command("move_database")
