"""`manage.py worker` as processes: many runs at once, and what one of them does to the others when it dies.

Leases and the scheduler's patience are an hour here, and no scheduler runs: what is taken up is so because somebody saw
the end of whoever had it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from launcher.processes import kill_session
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.models import Destination, SyncRun
from syncs.runs.queue import ring
from tests.linux import needs_proc
from tests.patience import PATIENCE, wait_until
from tests.syncs.torture.programs import database_url
from tests.syncs.torture.theatre import Scene, set_scene, wait_for_quiet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, needs_proc]

ROOT = Path(__file__).resolve().parents[3]
PATIENT = {"SYNC_LEASE_SECONDS": "3600", "SYNC_LEASE_RENEWAL_SECONDS": "60", "SYNC_RING_AGAIN_SECONDS": "3600"}
Start = Callable[..., "subprocess.Popen[bytes]"]
BECOME_WORKER = "import os, sys; os.execv(sys.executable, [sys.executable, 'manage.py', 'worker'])"


@pytest.fixture
def start(queue_server: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker in a session of its own, on this test's database and queue."""
    redis.Redis.from_url(queue_server).flushall()
    started: list[subprocess.Popen[bytes]] = []

    def start(before: str = "", **variables: str) -> "subprocess.Popen[bytes]":
        environment = os.environ | PATIENT | {"REDIS_URL": queue_server, "DATABASE_URL": database_url()} | variables
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            command = [sys.executable, "-c", f"{before}\n{BECOME_WORKER}"]
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        started.append(process)
        return process

    yield start
    for process in started:
        kill_session(process.pid)
        process.wait()


def scenes(sandbox: Sandbox, count: int) -> list[Scene]:
    return [set_scene(sandbox) for _ in range(count)]


def hold(sandbox: Sandbox, scene: Scene) -> Callable[[], bool]:
    """Whether a write of that scene's run has arrived, which the sandbox then keeps without an answer."""
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=2)
    return rule.reached.is_set


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in tasks]


@contextmanager
def stopped(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    os.kill(process.pid, signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def end_of(scene: Scene) -> tuple[str, int]:
    scene.run.refresh_from_db()
    return scene.run.status, scene.run.attempt


def is_finished(scene: Scene) -> bool:
    scene.run.refresh_from_db()
    return scene.run.is_finished


def test_one_worker_carries_many_runs_at_once(sandbox: Sandbox, rung: list[str], start: Start) -> None:
    played = scenes(sandbox, 4)
    arrived = [hold(sandbox, scene) for scene in played]
    start(WORKER_RUNS="4")
    for scene in played:
        ring(scene.run.pk)

    wait_until(lambda: all(has_arrived() for has_arrived in arrived))

    sandbox.faults.release()
    wait_until(lambda: all(is_finished(scene) for scene in played))
    assert [end_of(scene) for scene in played] == [(Status.SUCCEEDED, 1)] * 4
    assert [problem for scene in played for problem in scene.problems()] == []


def test_no_more_runs_at_once_than_allowed(sandbox: Sandbox, rung: list[str], start: Start) -> None:
    played = scenes(sandbox, 3)
    for scene in played:
        hold(sandbox, scene)
    start(WORKER_RUNS="2")
    for scene in played:
        ring(scene.run.pk)

    wait_until(lambda: sum(rule.reached.is_set() for rule in sandbox.faults.rules()) == 2)

    assert SyncRun.objects.filter(status=Status.RUNNING).count() == 2
    sandbox.faults.release()
    wait_until(lambda: all(is_finished(scene) for scene in played))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_runs_of_a_process_that_was_killed_are_taken_up_at_once(
    sandbox: Sandbox, rung: list[str], start: Start, number: signal.Signals
) -> None:
    played = scenes(sandbox, 2)
    arrived = [hold(sandbox, scene) for scene in played]
    worker = start()
    for scene in played:
        ring(scene.run.pk)
    wait_until(lambda: all(has_arrived() for has_arrived in arrived))

    (carrier,) = children_of(worker.pid)
    with stopped(worker):  # nobody starts anew before what was sent has arrived
        os.kill(carrier, number)
        sandbox.faults.release()
        wait_for_quiet(sandbox)

    wait_until(lambda: all(is_finished(scene) for scene in played))
    assert [end_of(scene) for scene in played] == [(Status.SUCCEEDED, 2)] * 2
    assert [problem for scene in played for problem in scene.problems()] == []
    assert carrier not in children_of(worker.pid)


def test_a_run_that_kills_whoever_carries_it_takes_others_down_once_at_most(
    sandbox: Sandbox, rung: list[str], start: Start
) -> None:
    poison, *others = scenes(sandbox, 4)
    for scene in others:
        hold(sandbox, scene)
    sandbox.faults.add("signal", signal="SIGKILL", moment="before", method="POST", org=poison.sync.org_id, times=None)
    start()
    for scene in others:
        ring(scene.run.pk)
    wait_until(lambda: all(rule.reached.is_set() for rule in sandbox.faults.rules()[:3]))
    ring(poison.run.pk)

    wait_until(lambda: SyncRun.objects.filter(attempt__gt=1).exists())
    sandbox.faults.release()
    wait_until(lambda: all(is_finished(scene) for scene in [*others, poison]))

    assert [end_of(scene) for scene in others] == [(Status.SUCCEEDED, 2)] * 3
    assert end_of(poison) == (Status.FAILED, 5)
    assert "The worker died in each of 5 attempts" in poison.run.message


def test_told_to_stop_it_lets_its_runs_end(sandbox: Sandbox, rung: list[str], start: Start) -> None:
    (scene,) = scenes(sandbox, 1)
    has_arrived = hold(sandbox, scene)
    worker = start()
    ring(scene.run.pk)
    wait_until(has_arrived)

    worker.terminate()
    sandbox.faults.release()

    assert worker.wait(PATIENCE) == 0
    assert end_of(scene) == (Status.SUCCEEDED, 1)


def test_told_twice_it_ends_at_once_and_leaves_nothing_held(sandbox: Sandbox, rung: list[str], start: Start) -> None:
    (scene,) = scenes(sandbox, 1)
    has_arrived = hold(sandbox, scene)
    worker = start()
    ring(scene.run.pk)
    wait_until(has_arrived)

    def tell() -> bool:
        """Twice at least: two signals that wait at the same time are delivered as one."""
        if worker.poll() is None and children_of(worker.pid):
            os.kill(worker.pid, signal.SIGINT)
            return False
        return True

    wait_until(tell, pause=0.2)

    assert worker.wait(PATIENCE) == 0
    assert not Destination.objects.filter(lease_expires_at__gt=scene.run.queued_at, lease_holder__contains="-").exists()
    assert end_of(scene) == (Status.RUNNING, 1)
    sandbox.faults.release()
    wait_for_quiet(sandbox)
    start()
    wait_until(lambda: is_finished(scene))
    assert scene.problems() == []


def test_a_restart_takes_up_what_all_processes_left_that_were_killed(
    sandbox: Sandbox, rung: list[str], start: Start
) -> None:
    (scene,) = scenes(sandbox, 1)
    has_arrived = hold(sandbox, scene)
    worker = start()
    ring(scene.run.pk)
    wait_until(has_arrived)

    kill_session(worker.pid)
    worker.wait()
    sandbox.faults.release()
    wait_for_quiet(sandbox)
    start()

    wait_until(lambda: is_finished(scene))
    assert end_of(scene) == (Status.SUCCEEDED, 2)
    assert scene.problems() == []


def test_a_carrier_does_not_outlive_its_foreman(sandbox: Sandbox, rung: list[str], start: Start) -> None:
    worker = start()
    wait_until(lambda: len(children_of(worker.pid)) == 1)
    (carrier,) = children_of(worker.pid)
    wait_until(lambda: "SigCgt" in Path(f"/proc/{carrier}/status").read_text())

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    wait_until(lambda: not Path(f"/proc/{carrier}").exists())


def test_ends_of_others_do_not_end_the_first_process_of_a_container(
    sandbox: Sandbox, rung: list[str], start: Start, tmp_path: Path
) -> None:
    """It inherits whatever loses its parent."""
    [scene] = scenes(sandbox, 1)
    os.mkfifo(tmp_path / "until")
    stranger = "import os\nif os.fork() == 0:\n    open(os.environ['UNTIL']).read()\n    os._exit(3)"
    worker = start(before=stranger, UNTIL=str(tmp_path / "until"))
    wait_until(lambda: len(children_of(worker.pid)) == 2)
    [stranger_pid, _] = sorted(children_of(worker.pid))

    (tmp_path / "until").write_text("")

    wait_until(lambda: stranger_pid not in children_of(worker.pid))
    ring(scene.run.pk)
    wait_until(lambda: is_finished(scene))
    assert end_of(scene) == (Status.SUCCEEDED, 1)
