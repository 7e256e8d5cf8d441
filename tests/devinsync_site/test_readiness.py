"""What is wrong with database, queue and keys is named, and is 503 with `Retry-After` where a request meets it."""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connection
from django.http import HttpResponse
from django.test import Client

from common.database_faults import describe, is_database_fault
from connections.models import Connection
from devinsync_site import readiness
from syncs.models import SyncControl

pytestmark = pytest.mark.django_db(transaction=True)
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'")


@pytest.fixture(autouse=True)
def _queue(queue_server: str) -> None:
    pass


def readyz(client: Client) -> tuple[int, dict[str, object]]:
    answer = client.get("/readyz")
    return answer.status_code, json.loads(answer.content)


def problem_of(client: Client) -> str:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    (problem,) = json.loads(answer.content)["problems"]
    return str(problem)


@pytest.mark.postgresql
def test_all_is_well(client: Client) -> None:
    assert readyz(client) == (200, {"status": "ok", "database": "ok", "queue": "ok"})


@pytest.mark.postgresql
def test_asking_changes_nothing(client: Client) -> None:
    SyncControl.get()
    before = SyncControl.objects.values().get()

    readyz(client)

    assert SyncControl.objects.values().get() == before


# The database


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another program is in the middle of a transaction."""
    monkeypatch.setattr(readiness, "SECONDS_TO_WRITE", 0.01)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@sqlite_only
def test_a_locked_database_is_named(client: Client, locked: None) -> None:
    assert "is locked" in problem_of(client)


@sqlite_only
def test_a_full_disk_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LEAST_ROOM", 1 << 62)

    assert "disk of the database is full" in problem_of(client)


@sqlite_only
def test_a_file_that_is_gone_is_named(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "gone.sqlite3"))

    assert "cannot be opened" in problem_of(client)
    assert not (tmp_path / "gone.sqlite3").exists()


@sqlite_only
def test_a_database_without_tables_is_named(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "new.sqlite3").execute("CREATE TABLE a (b)").connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "new.sqlite3"))

    assert "manage.py prepare" in problem_of(client)


@sqlite_only
@pytest.mark.skipif("os.getuid() != 0")
def test_a_read_only_database_is_named(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As another user, because nothing is read-only to root."""
    path = tmp_path / "mine.sqlite3"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE syncs_synccontrol (is_paused)")
    made.commit()
    made.close()
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_mode & 0o077 == 0:
            place.chmod(0o711)
    path.chmod(0o444)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(path))
    os.seteuid(65534)
    try:
        problem = readiness.problems()["database"]
    finally:
        os.seteuid(0)

    assert "read-only" in problem


@pytest.mark.postgresql
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_server_that_only_reads_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    assert "read-only" in readiness.problems()["database"]


@pytest.mark.postgresql
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_connection_to_one_that_only_reads_is_the_last(client: Client) -> None:
    """The address may lead elsewhere by now: the next request asks it anew."""
    for path in ("/readyz", "/admin/login/"):
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        client.raise_request_exception = False
        client.post(path, {"username": "ada", "password": "x"}) if "login" in path else client.get(path)
        close_old_connections()

        assert readyz(client)[0] == 200


def caused(error: Exception, **cause: object) -> Exception:
    error.__cause__ = type("Cause", (Exception,), cause)("host=10.0.0.1 password=hunter2")
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(OperationalError("attempt to write a readonly database"), "read-only", id="read-only file"),
        pytest.param(OperationalError("database or disk is full"), "is full", id="full"),
        pytest.param(OperationalError("database is locked"), "is locked", id="locked"),
        pytest.param(OperationalError("unable to open database file"), "cannot be opened", id="no file"),
        pytest.param(caused(InternalError("x"), sqlstate="25006"), "read-only", id="standby"),
        pytest.param(caused(OperationalError("x"), sqlstate="53300"), "no connection left", id="no connections"),
        pytest.param(caused(OperationalError("x"), sqlstate="53100"), "is full", id="server full"),
        pytest.param(caused(OperationalError("x"), sqlstate="57P03"), "starting up", id="starting"),
        pytest.param(
            caused(OperationalError("FATAL:  sorry, too many clients already"), sqlstate=None),
            "no connection left",
            id="no connections at the door",
        ),
        pytest.param(
            caused(OperationalError("FATAL:  the database system is starting up"), sqlstate=None),
            "starting up",
            id="starting, at the door",
        ),
        pytest.param(
            caused(OperationalError("couldn't get a connection after 10.00 sec"), sqlstate=None),
            "DATABASE_POOL",
            id="the pool is empty",
        ),
        pytest.param(caused(OperationalError("connection refused"), sqlstate=None), "not there", id="no server"),
        pytest.param(caused(InterfaceError("closed"), sqlstate=None), "not there", id="closed"),
    ],
)
def test_what_the_database_says_is_told_in_words(error: OperationalError, words: str) -> None:
    assert is_database_fault(error)
    assert words in describe(error)
    assert "hunter2" not in describe(error)


# The queue and the keys


def test_a_queue_that_takes_nothing_more_is_named(client: Client, queue_server: str) -> None:
    server = redis.Redis.from_url(queue_server)
    server.config_set("maxmemory", "1")
    try:
        assert "memory is full" in problem_of(client)
    finally:
        server.config_set("maxmemory", "0")


def test_a_queue_that_is_away_is_named(client: Client, settings: LazySettings, tmp_path: Path) -> None:
    settings.RQ_QUEUES["default"]["URL"], before = (
        f"unix://{tmp_path}/none.sock?db=0",
        settings.RQ_QUEUES["default"]["URL"],
    )
    try:
        status, body = readyz(client)
    finally:
        settings.RQ_QUEUES["default"]["URL"] = before

    assert (status, body["database"], body["queue"]) == (503, "ok", "unavailable")


def test_keys_that_do_not_fit_are_named(client: Client, settings: LazySettings) -> None:
    sealed = Connection(name="acme", base_url="https://devin.example")
    sealed.set_api_key("cog_test")
    sealed.save()
    settings.ENCRYPTION_KEYS = ["b3RoZXIta2V5LXRoYXQtaXMtMzItYnl0ZXMtbG9uZyE="]

    status, body = readyz(client)

    assert (status, body["keys"], body["database"]) == (503, "unavailable", "ok")
    assert "ENCRYPTION_KEYS lacks" in str(body["problems"])


# Requests that meet it


def fail(*args: object, **kwargs: object) -> None:
    raise OperationalError("database is locked")


@pytest.mark.parametrize("path", ["/admin/", "/admin/syncs/devinsync/", "/admin/login/"])
def test_a_page_says_503_and_when_to_try_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, settings: LazySettings
) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    client.raise_request_exception = False
    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)

    answer: HttpResponse = client.get(path)  # type: ignore[assignment]

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "is locked by another program" in answer.content.decode()


def test_another_failure_is_still_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*args: object, **kwargs: object) -> None:
        raise RuntimeError("canary")

    client.force_login(User.objects.create_superuser("ada"))
    client.raise_request_exception = False
    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", bug)

    answer = client.get("/admin/")

    assert answer.status_code == 500
    assert b"canary" not in answer.content
