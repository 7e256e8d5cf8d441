"""Writers to SQLite take turns: in the order of asking within a process, by a lock on a file among processes."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.utils import ConnectionHandler

from devinsync_site.sqlite import Turns
from tests.patience import PATIENCE, wait_until
from vault.models import Project

ROOT = Path(__file__).resolve().parents[2]
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "turns"


def test_those_that_wait_have_their_turn_in_the_order_of_asking(path: Path) -> None:
    turns, order = Turns(path, PATIENCE), list[int]()

    def ask(number: int) -> None:
        turns.take()
        order.append(number)
        turns.give()

    turns.take()
    threads = []
    for number in range(5):
        thread = threading.Thread(target=ask, args=(number,))
        thread.start()
        threads.append(thread)
        wait_until(partial(has_asked, turns, number + 1))

    turns.give()
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]


def has_asked(turns: Turns, count: int) -> bool:
    return len(turns._waiting) == count


def test_another_process_waits_until_the_turn_is_given_up(path: Path) -> None:
    turns = Turns(path, PATIENCE)
    turns.take()
    other = other_process(path)
    with pytest.raises(BlockingIOError):
        take_in_passing(path)
    turns.give()
    assert other.stdout is not None
    assert other.stdout.readline() == b"taken\n"

    with pytest.raises(BlockingIOError):
        take_in_passing(path)
    other.send_signal(signal.SIGKILL)
    other.wait()

    turns.take()
    turns.give()


def other_process(path: Path) -> "subprocess.Popen[bytes]":
    """Takes the turn and keeps it."""
    program = (
        "import sys; from pathlib import Path; from devinsync_site.sqlite import Turns; "
        f"turns = Turns(Path({str(path)!r}), {PATIENCE}); turns.take(); print('taken', flush=True); sys.stdin.read()"
    )
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def take_in_passing(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(file)


def test_whoever_waits_too_long_is_told_what_sqlite_would_say(path: Path) -> None:
    turns = Turns(path, 0.05)
    turns.take()

    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        turns.take()

    turns.give()
    turns.take()


def test_a_process_that_keeps_its_turn_is_not_waited_for_for_ever(path: Path) -> None:
    other = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)

    Turns(path, 0.05).take()

    os.close(other)


def test_where_no_file_can_be_made_there_are_turns_within_the_process_alone(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "missing" / "turns", PATIENCE)

    turns.take()
    turns.give()


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_transaction_has_the_turn_from_its_begin_to_its_end() -> None:
    path = Path(f"{connection.settings_dict['NAME']}-turns")
    Project.objects.exists()  # reading takes none

    with transaction.atomic():
        Project.objects.create(name="A", slug="a")
        with pytest.raises(BlockingIOError):
            take_in_passing(path)
    take_in_passing(path)

    with pytest.raises(RuntimeError), transaction.atomic():
        raise RuntimeError
    take_in_passing(path)

    with transaction.atomic():
        connection.close()
    take_in_passing(path)


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_write_outside_of_a_transaction_has_the_turn_too() -> None:
    path = Path(f"{connection.settings_dict['NAME']}-turns")
    with transaction.atomic():
        Project.objects.create(name="A", slug="a")
    is_taken: list[bool] = []

    def look(execute: Callable[..., object], *statement: object) -> object:
        try:
            take_in_passing(path)
        except BlockingIOError:
            is_taken.append(True)
        else:
            is_taken.append(False)
        return execute(*statement)

    with connection.execute_wrapper(look):
        Project.objects.update(name="B")
        Project.objects.exists()
        Project.objects.filter(slug="b").delete()

    assert (is_taken[0], is_taken[1]) == (True, False)
    take_in_passing(path)


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_write_that_waits_too_long_is_told_what_sqlite_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    Project.objects.create(name="A", slug="a")
    turns = Turns(Path(f"{connection.settings_dict['NAME']}-turns"), 0.05)
    turns.take()
    monkeypatch.setattr("django.db.connection.turn._turns", turns)

    with pytest.raises(OperationalError, match="database is locked"):
        Project.objects.update(name="B")

    turns.give()
    assert Project.objects.update(name="B") == 1


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_connects_again_takes_one_turn() -> None:
    for _ in range(3):
        connection.close()
        with transaction.atomic():
            Project.objects.exists()


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_goes_to_another_file_takes_the_turns_of_that_one(tmp_path: Path) -> None:
    first, second = Path(connection.settings_dict["NAME"]), tmp_path / "second.sqlite3"
    sqlite3.connect(second).close()
    own = ConnectionHandler({"default": {**connection.settings_dict, "NAME": str(first)}})["default"]
    own.ensure_connection()
    own.close()
    own.settings_dict["NAME"] = str(second)

    with transaction_of(own):
        take_in_passing(Path(f"{first}-turns"))
        with pytest.raises(BlockingIOError):
            take_in_passing(Path(f"{second}-turns"))
    own.close()


@contextmanager
def transaction_of(own: Any) -> Iterator[None]:
    own.ensure_connection()
    own.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    yield
    own.rollback()
    own.set_autocommit(True)


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_begin_that_fails_gives_the_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(f"{connection.settings_dict['NAME']}-turns")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    connection.ensure_connection()
    connection.connection.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pass
    other.execute("ROLLBACK")
    other.close()
    connection.close()

    take_in_passing(path)
