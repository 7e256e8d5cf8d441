"""One child process: started so that it can't outlive the launcher, and ended with all that it started."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to run. A `base` program serves the others, so it is stopped after them."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(repr=False)
    pass_fds: tuple[int, ...] = ()
    is_base: bool = False


def die_with_parent(parent: int) -> None:
    """Asks Linux to send SIGTERM to this process when its parent ends, also when that was killed."""
    if libc := _libc():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal.SIGTERM)


def start(program: Program) -> subprocess.Popen[bytes]:
    """Starts it in a session of its own: Ctrl-C reaches the launcher alone, which then stops all in order."""
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(program.environment),
            pass_fds=program.pass_fds,
            start_new_session=True,
            preexec_fn=before_exec(),  # noqa: PLW1509 - the launcher has no threads
        )


def kill_session(session: int) -> None:
    """Kills whatever is left of a child's session, such as the process in which a worker ran a job."""
    for process in _session_members(session):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _session_members(session: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may itself hold spaces and parentheses; the session is the fourth after it.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            members.append(int(stat.parent.name))
    return members


def before_exec() -> Callable[[], None] | None:
    """What a child does first, for Popen's `preexec_fn`."""
    launcher = os.getpid()
    _libc()  # loaded here, because loading after the fork could wait for a lock for ever
    return (lambda: die_with_parent(launcher)) if sys.platform == "linux" else None


_loaded: list[Any] = []


def _libc() -> Any | None:
    if sys.platform != "linux":
        return None
    if not _loaded:
        _loaded.append(ctypes.CDLL(None, use_errno=True))
    return _loaded[0]
