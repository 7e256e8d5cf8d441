"""What every test has: no network, nothing installed that no lock pins, and a queue server for those that ask for one.

Fixtures of one part of the product stand in that part's own conftest.
"""

import contextlib
import gc
import math
import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from common import clock
from connections.kept import shelf
from launcher.processes import Program, kill_session, start
from launcher.valkey import prepare_valkey
from tests.flushing import flush_quickly
from tests.migrated import can_be_copied, copied_database, copied_on_server, folder_of_run
from tests.patience import wait_until
from tests.rewriting import rewrite_for_others

_connect = socket.socket.connect
pytest_plugins = ["tests.installing", "tests.openbao", "tests.pages"]

# The same examples in every run, however long each takes.
hypothesis.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.load_profile("steady")

flush_quickly()

# What is loaded and collected, hundreds of megabytes, is no garbage: to look through it takes longer than many a test.
gc.set_threshold(20_000)

LOOPBACK = ("127.", "::1", "localhost")


def pytest_sessionstart(session: pytest.Session) -> None:
    rewrite_for_others(session.config)


def pytest_collection_finish() -> None:
    gc.freeze()


class NetworkIsOff(Exception):
    """A test tried to reach another machine."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):
            raise NetworkIsOff(f"A test tried to connect to {address[0]}.")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _clocks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is on this machine. Asked for its time now and then, it would add a statement to a slow test."""
    now = timezone.now().timestamp()
    monkeypatch.setattr(clock, "MEASURED_FOR", math.inf)
    monkeypatch.setattr(clock, "_measured", [clock.Measured(timedelta(), now, time.monotonic())])


@pytest.fixture(autouse=True)
def _no_kept_connection() -> Iterator[None]:
    """What a test left open serves no other."""
    yield
    shelf.close_all()


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path | None]:
    """This process has a copy of the run's migrated database: on SQLite, of this file."""
    if request.config.option.reuse_db or not can_be_copied():
        request.getfixturevalue("django_db_setup")  # pytest-django's
        yield None
        return
    blocker = request.getfixturevalue("django_db_blocker")
    request.getfixturevalue("django_db_modify_db_settings")
    copied = copied_database if connection.vendor == "sqlite" else copied_on_server
    copy = contextlib.ExitStack()
    with blocker.unblock():
        original = copy.enter_context(copied(folder_of_run(tmp_path_factory)))
    yield original
    with blocker.unblock():
        copy.close()


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The REDIS_URL of a Valkey of this test run's own, which the site uses from here on."""
    folder = tmp_path_factory.mktemp("valkey")
    valkey = prepare_valkey(folder)
    log = Path(folder) / "valkey.log"
    server = start(Program(name="valkey", command=valkey.command, log=log, environment={}, pass_fds=(valkey.lock,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.RQ_QUEUES["default"], "URL", valkey.url)
        patch.setattr(settings, "REDIS_URL", valkey.url)
        patch.setitem(os.environ, "REDIS_URL", valkey.url)
        wait_until(valkey.answers)
        yield valkey.url
    kill_session(server.pid)
    server.wait()
    valkey.release()
