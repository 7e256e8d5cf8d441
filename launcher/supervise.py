"""Keeps a set of programs running: starts one again that ended by itself, and stops all of them in order."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.errors import LaunchError
from launcher.processes import Program, kill_session, start

LONGEST_PAUSE = 30.0
# A program that ran this long is healthy; its next failure begins with the shortest pause again.
HEALTHY_AFTER = 60.0
# A worker finishes the run that it is at.
GRACE = 30.0
# What a check of Django's found, above the line that counts all that was found.
OF_A_CHECK = re.compile(r"\S+: \([\w.]+\.E\d+\) ")


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)
    failures: int = 0
    again_at: float | None = None


class Supervisor:
    """Duties: 1. start programs; 2. start those again that end, with growing pauses; 3. leave nothing behind."""

    def __init__(self, *, grace: float = GRACE, say: Callable[[str], None] | None = None) -> None:
        self.grace = grace
        self.say = say or say_on_stderr
        self.is_stopping = self.is_hurried = False
        self._children: list[Child] = []
        self.sessions: set[int] = set()

    def start(self, program: Program) -> None:
        rotate(program.log)
        self._children.append(Child(program=program, process=self._run(program)))

    def wait_until(self, is_ready: Callable[[], bool], *, name: str, seconds: float) -> None:
        """Waits for a program just started; one that ends meanwhile is the reason for a failure, and isn't retried."""
        child = next(child for child in self._children if child.program.name == name)
        deadline = time.monotonic() + seconds
        while not is_ready():
            if child.process.poll() is not None:
                raise LaunchError(f"{name} ended as soon as it was started. {hint(child.program.log)}")
            if time.monotonic() > deadline:
                raise LaunchError(f"{name} was not ready after {seconds:.0f} s. {hint(child.program.log)}")
            time.sleep(0.05)

    def check(self) -> None:
        """Looks after every program once; never waits."""
        now = time.monotonic()
        for child in self._children:
            if child.again_at is None and child.process.poll() is not None:
                self._note_end(child, now)
            elif child.again_at is not None and now >= child.again_at:
                child.process = self._run(child.program)
                child.started_at, child.again_at = now, None

    def leaders(self) -> dict[str, int]:
        """By program, the process that was started for it; its number is its session's too."""
        return {child.program.name: child.process.pid for child in self._children}

    def stop(self) -> None:
        """Asks all to finish, first those that are served, then those that serve; kills what does not."""
        for is_base in (False, True):
            self._stop([child for child in self._children if child.program.is_base is is_base])
        for session in self.sessions:
            kill_session(session)
        self._children.clear()

    def _run(self, program: Program) -> subprocess.Popen[bytes]:
        process = start(program)
        self.sessions.add(process.pid)
        return process

    def _note_end(self, child: Child, now: float) -> None:
        child.failures = 1 if now - child.started_at > HEALTHY_AFTER else child.failures + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (child.failures - 1))
        child.again_at = now + pause
        name, status = child.program.name, child.process.returncode
        self.say(f"{name} ended with status {status}; starting it again in {pause:.0f} s. {hint(child.program.log)}")

    def _stop(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        while any(child.process.poll() is None for child in children):
            if self.is_hurried or time.monotonic() > deadline:
                for child in children:
                    child.process.kill()
            time.sleep(0.02)


def say_on_stderr(text: str) -> None:
    print(f"devinsync: {text}", file=sys.stderr, flush=True)


def rotate(log: Path, *, largest: int = 10_000_000) -> None:
    """Puts a grown log aside, replacing the one put aside before."""
    if log.is_file() and log.stat().st_size > largest:
        log.replace(log.with_suffix(".log.1"))


def hint(log: Path) -> str:
    """The last line of a log, where there is one, and where to read more."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    said = [line.strip() for line in lines if line.strip()]
    last = said[-1].removeprefix("CommandError: ") if said else ""
    if last.startswith("System check identified"):
        last = next((line for line in reversed(said) if OF_A_CHECK.match(line)), last)
    return f"{last[:300]} (see {log})" if last else f"See {log}."
