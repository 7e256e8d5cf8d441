"""A real Valkey of this test's own that dies, or forgets all, while a worker and a scheduler are at work."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from launcher.processes import Program, kill_session
from launcher.processes import start as start_server
from launcher.valkey import EmbeddedValkey, prepare_valkey
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.models import DevinSync, SyncRun
from syncs.runs.queue import BELLS
from tests.patience import PATIENCE, wait_until
from tests.syncs.torture.conftest import QUICK
from tests.syncs.torture.programs import start_program
from tests.syncs.torture.theatre import Scene, set_scene

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung"),
]


@dataclass
class Server:
    """What it holds stands in a file, until it is told to forget."""

    prepared: EmbeddedValkey
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command, lock = self.prepared.command, self.prepared.lock
        program = Program(name="valkey", command=command, log=self.log, environment={}, pass_fds=(lock,))
        self.process = start_server(program)
        wait_until(self.prepared.answers)

    def kill(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def forget(self) -> None:
        redis.Redis.from_url(self.prepared.url).flushall()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(prepare_valkey(tmp_path / "valkey"), tmp_path / "valkey.log")
    server.start()
    yield server
    server.kill()
    server.prepared.release()


@pytest.fixture
def start(server: Server, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str) -> None:
        log = tmp_path / f"{command}.log"
        started.append(start_program(command, log=log, **QUICK, REDIS_URL=server.prepared.url))

    yield start
    for process in started:
        kill_session(process.pid)
        process.wait()


def status_of(scene: Scene) -> str:
    return SyncRun.objects.values_list("status", flat=True).get(pk=scene.run.pk)


def in_mid_run(sandbox: Sandbox, start: Callable[[str], None]) -> tuple[Scene, Scene]:
    """A run among its writes, one of which has no answer yet, and another that nobody may start yet."""
    scene, later = set_scene(sandbox), set_scene(sandbox)
    DevinSync.objects.update(reconcile_minutes=0, next_reconcile_at=None)
    SyncRun.objects.filter(pk=later.run.pk).update(status=Status.CANCELLED)
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=4)
    start("scheduler")
    start("worker")
    assert rule.reached.wait(PATIENCE)
    return scene, later


def ask_for(scene: Scene) -> None:
    SyncRun.objects.filter(pk=scene.run.pk).update(status=Status.PENDING)


def test_a_run_ends_without_a_queue_and_others_start_when_an_empty_one_is_back(
    sandbox: Sandbox, server: Server, start: Callable[[str], None]
) -> None:
    scene, later = in_mid_run(sandbox, start)

    server.kill()
    ask_for(later)
    sandbox.faults.release()
    wait_until(lambda: status_of(scene) == Status.SUCCEEDED)
    assert status_of(later) == Status.PENDING
    server.start()
    server.forget()

    wait_until(lambda: status_of(later) == Status.SUCCEEDED)
    assert [*scene.problems(), *later.problems()] == []


def test_a_queue_that_forgets_all_in_the_middle_of_work_holds_up_nobody(
    sandbox: Sandbox, server: Server, start: Callable[[str], None]
) -> None:
    scene, later = in_mid_run(sandbox, start)

    ask_for(later)
    server.forget()
    sandbox.faults.release()

    wait_until(lambda: [status_of(scene), status_of(later)] == [Status.SUCCEEDED] * 2)
    assert [*scene.problems(), *later.problems()] == []


def test_a_queue_that_comes_back_with_old_bells_starts_nothing_twice(
    sandbox: Sandbox, server: Server, start: Callable[[str], None]
) -> None:
    """What it had on disk is rung again: bells of runs that have ended, and of one that goes on."""
    scene, later = in_mid_run(sandbox, start)
    for number, run in enumerate(SyncRun.objects.all()):
        redis.Redis.from_url(server.prepared.url).zadd(BELLS, {str(run.pk): number})

    server.kill()
    server.start()
    ask_for(later)
    sandbox.faults.release()

    wait_until(lambda: [status_of(scene), status_of(later)] == [Status.SUCCEEDED] * 2)
    assert set(SyncRun.objects.values_list("attempt", flat=True)) == {1}
    assert [*scene.problems(), *later.problems()] == []
