"""No more requests of runs under way through a connection than it says, of all processes of a machine together."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from django.conf import LazySettings

from connections.devin.slots import LONGEST_HELD, Slots
from connections.models import Connection
from tests.connections.servers import Received, page, reply, serving
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from connections.devin.slots import Slots
with Slots(Path(sys.argv[1]), 2).one():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_holds_one(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_another_process_waits_and_a_killed_one_holds_none(tmp_path: Path) -> None:
    waits = threading.Event()
    has_one = threading.Event()

    def hold() -> None:
        with Slots(tmp_path, 2, wait=lambda _: waits.set()).one():
            has_one.set()

    with another_process_holds_one(tmp_path), another_process_holds_one(tmp_path) as second:
        thread = threading.Thread(target=hold)
        thread.start()
        assert waits.wait(PATIENCE)
        assert not has_one.is_set()

        second.kill()

        assert has_one.wait(PATIENCE)
        thread.join()


def test_what_a_stopped_process_holds_is_taken_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_process_holds_one(tmp_path) as first, another_process_holds_one(tmp_path) as second:
        for process in (first, second):
            process.send_signal(signal.SIGSTOP)
        later = time.monotonic() + LONGEST_HELD + 1
        monkeypatch.setattr("connections.devin.slots.time.monotonic", lambda: later)

        slots = Slots(tmp_path, 2, wait=Impatient())
        with slots.one(), slots.one(), pytest.raises(StillTaken):
            slots._take()
        with slots.one():
            pass


class StillTaken(Exception):
    pass


class Impatient:
    """Looks a few times and gives up."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self, _: float) -> None:
        self._looks += 1
        if self._looks > 3:
            raise StillTaken


def test_of_many_threads_as_many_hold_one_as_there_are(tmp_path: Path) -> None:
    slots, together = Slots(tmp_path, 2), threading.Barrier(2, timeout=PATIENCE)
    inside, most = [], []

    def hold(number: int) -> None:
        with slots.one():
            inside.append(number)
            together.wait()
            most.append(len(inside))
            together.wait()
            inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, range(8)))

    assert set(most) == {2}


def test_what_fails_holds_none_any_more(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 1)
    for _ in range(2):
        with pytest.raises(RuntimeError), slots.one():
            raise RuntimeError


def test_where_no_file_can_be_made_requests_are_sent_nevertheless(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with Slots(tmp_path / "file" / "slots", 1).one(), Slots(tmp_path / "file" / "slots", 1).one():
        pass


@pytest.fixture
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "slots"


@pytest.mark.django_db
def test_runs_share_them_and_people_do_not_wait_for_runs(folder: Path, settings: LazySettings) -> None:
    """Four clients of one connection, as four runs have them, with two threads each."""
    three, under_way, most = threading.Barrier(3, timeout=PATIENCE), set[int](), []

    def answer(request: Received, _: socket) -> bytes:
        # Two of runs, and one that a person asked for.
        under_way.add(id(request))
        three.wait()
        most.append(len(under_way))
        three.wait()
        under_way.remove(id(request))
        return reply(200, page([]))

    with serving(answer) as server, ExitStack() as clients, ThreadPoolExecutor(12) as threads:
        settings.DEVIN_HOSTS = [server.url]
        connection = Connection(name="devin", base_url=server.url, concurrency=2)
        connection.set_api_key("cog_canary-of-an-api-key")
        connection.save()
        runs = [clients.enter_context(connection.open_client()) for _ in range(4)]
        person = clients.enter_context(connection.open_client(patience=timedelta(seconds=PATIENCE)))
        asked = [threads.submit(run.list_secrets, "org-1") for run in runs for _ in range(2)]
        for _ in range(4):
            person.list_secrets("org-1")
        for each in asked:
            each.result()

    assert most == [3] * 12


@pytest.mark.django_db
def test_those_of_a_deleted_connection_go(folder: Path, django_capture_on_commit_callbacks: Any) -> None:
    connection = Connection(name="devin")
    connection.set_api_key("cog_canary-of-an-api-key")
    connection.save()
    with Slots.of(connection.pk, 4).one():
        assert [path.name for path in folder.iterdir()] == [str(connection.pk)]

    with django_capture_on_commit_callbacks(execute=True):
        connection.delete()

    assert list(folder.iterdir()) == []
