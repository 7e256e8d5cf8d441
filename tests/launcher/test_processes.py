"""Ending all that a child started, with or without /proc."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import processes
from launcher.processes import kill_session, with_forks_allowed
from tests.launcher.conftest import is_alive
from tests.linux import needs_proc
from tests.patience import wait_until

PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """The ids of a process with a session of its own and of one that it has started."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        yield parent.pid, int(parent.stdout.readline())
        parent.kill()


@needs_proc
def test_kills_all_of_a_session(family: tuple[int, int]) -> None:
    parent, child = family

    kill_session(parent)

    wait_until(lambda: not is_alive(parent) and not is_alive(child))
    assert is_alive(os.getpid())


@needs_proc
def test_kills_all_of_a_session_where_there_is_no_proc(
    family: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, child = family
    ended = 2**22 + 1  # more than Linux numbers processes up to
    ps = tmp_path / "ps"
    ps.write_text(f"#!/bin/sh\necho '  {os.getpid()}'; echo '{ended}'; echo ' {child}'; echo ' {parent}'\n")
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(processes, "PROC", str(tmp_path / "none"))

    kill_session(parent)

    wait_until(lambda: not is_alive(parent) and not is_alive(child))
    assert is_alive(os.getpid())


@pytest.mark.parametrize(
    ("platform", "told"), [("linux", {}), ("darwin", {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"})]
)
def test_lets_macos_fork(platform: str, told: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    assert with_forks_allowed({"A": "1"}) == {"A": "1", **told}


def test_a_person_may_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    own = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "NO"}

    assert with_forks_allowed(own) == own
