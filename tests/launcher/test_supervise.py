import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.errors import LaunchError
from launcher.processes import Program
from launcher.supervise import Supervisor, hint, rotate
from tests.launcher.conftest import ROOT, is_alive
from tests.linux import needs_proc
from tests.patience import PATIENCE, wait_until

SLEEPS = "import time; time.sleep(600)"
MakeProgram = Callable[..., Program]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(grace=PATIENCE, say=said.append)
    yield supervisor
    supervisor.is_hurried = True
    supervisor.stop()


@pytest.fixture
def program(tmp_path: Path) -> MakeProgram:
    def make(code: str, name: str = "worker", *, is_base: bool = False) -> Program:
        command = (sys.executable, "-c", code)
        return Program(name, command, tmp_path / f"{name}.log", {"PATH": os.environ["PATH"]}, is_base=is_base)

    return make


def writes_its_id(path: Path, then: str = SLEEPS) -> str:
    return f"import os, pathlib; pathlib.Path({str(path)!r}).open('a').write(f'{{os.getpid()}}\\n')\n{then}"


def ids_in(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_starts_again_what_ended_and_says_so(
    supervisor: Supervisor, program: MakeProgram, tmp_path: Path, said: list[str]
) -> None:
    supervisor.start(program(writes_its_id(tmp_path / "ids")))
    wait_until(lambda: len(ids_in(tmp_path / "ids")) == 1)

    os.kill(ids_in(tmp_path / "ids")[0], signal.SIGKILL)

    def was_started_again() -> bool:
        supervisor.check()
        return len(ids_in(tmp_path / "ids")) == 2

    wait_until(was_started_again)
    assert said == [f"worker ended with status -9; starting it again in 1 s. See {tmp_path / 'worker.log'}."]


def test_pauses_longer_each_time_and_shows_the_last_words(
    supervisor: Supervisor, program: MakeProgram, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    supervisor.start(program("raise SystemExit('no database')"))

    for failures in range(1, 8):
        while len(said) < failures:
            supervisor.check()
        clock += 31

    pauses = [text.split(" again in ")[1].split(" s.")[0] for text in said]
    assert pauses == ["1", "2", "4", "8", "16", "30", "30"]
    assert "no database" in said[0]


def test_a_program_that_ends_at_once_is_the_reason_for_a_failed_start(
    supervisor: Supervisor, program: MakeProgram
) -> None:
    supervisor.start(program("raise SystemExit('cannot bind')", "web"))

    with pytest.raises(LaunchError, match=r"web ended as soon as it was started\. cannot bind"):
        supervisor.wait_until(lambda: False, name="web", seconds=PATIENCE)


def test_stops_those_that_serve_last(supervisor: Supervisor, program: MakeProgram, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import pathlib, signal, sys, time\n"
        f"def end(*_): pathlib.Path({str(order)!r}).open('a').write('{{}}\\n'); sys.exit()\n"
        f"signal.signal(signal.SIGTERM, end); pathlib.Path('{tmp_path}/{{}}-up').touch(); time.sleep(600)"
    )
    supervisor.start(program(code.format("valkey", "valkey"), "valkey", is_base=True))
    supervisor.start(program(code.format("worker", "worker"), "worker"))
    wait_until(lambda: (tmp_path / "valkey-up").exists() and (tmp_path / "worker-up").exists())

    supervisor.stop()

    assert order.read_text().split() == ["worker", "valkey"]


@needs_proc
def test_kills_what_does_not_stop_and_what_it_left(
    supervisor: Supervisor, program: MakeProgram, tmp_path: Path
) -> None:
    supervisor.grace = 0.2
    left = writes_its_id(tmp_path / "ids", "os.setpgrp(); " + SLEEPS)
    stubborn = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"subprocess.run([sys.executable, '-c', {left!r}])"
    )
    supervisor.start(program(stubborn))
    wait_until(lambda: len(ids_in(tmp_path / "ids")) == 1)

    supervisor.stop()

    wait_until(lambda: not is_alive(ids_in(tmp_path / "ids")[0]))


@needs_proc
def test_a_killed_launcher_takes_its_children_along(tmp_path: Path) -> None:
    launcher = (
        "import pathlib, sys, time\n"
        "from launcher.processes import Program, start\n"
        f"code = {writes_its_id(tmp_path / 'ids')!r}\n"
        f"start(Program('worker', (sys.executable, '-c', code), pathlib.Path({str(tmp_path / 'log')!r}), {{}}))\n"
        f"{SLEEPS}"
    )
    process = subprocess.Popen([sys.executable, "-c", launcher], cwd=ROOT)
    wait_until(lambda: len(ids_in(tmp_path / "ids")) == 1)

    process.kill()
    process.wait()

    wait_until(lambda: not is_alive(ids_in(tmp_path / "ids")[0]))


def test_puts_a_grown_log_aside(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("old")

    rotate(log, largest=2)

    assert not log.exists()
    assert (tmp_path / "web.log.1").read_text() == "old"


def test_points_at_what_a_check_found_and_not_at_the_count(tmp_path: Path) -> None:
    log = tmp_path / "prepare.log"
    log.write_text(
        "SystemCheckError: System check identified some issues:\n\nERRORS:\n?: (devinsync.E001) It is newer.\n\n"
        "System check identified 1 issue (0 silenced).\n"
    )

    assert hint(log) == f"?: (devinsync.E001) It is newer. (see {log})"
