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
PROC = "/proc"


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
            env=with_forks_allowed(program.environment),
            pass_fds=program.pass_fds,
            start_new_session=True,
            preexec_fn=before_exec(),  # noqa: PLW1509 - the launcher has no threads
        )


def kill_session(session: int) -> None:
    """Kills whatever is left of a child's session, such as the process in which a worker ran a job."""
    for process in all_processes():
        try:
            if os.getsid(process) == session:
                os.kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it has ended, or is another user's and so none of ours
            continue


def all_processes() -> list[int]:
    """From /proc, or where there is none, as on macOS, from `ps`."""
    try:
        return [int(name) for name in os.listdir(PROC) if name.isdigit()]
    except FileNotFoundError:
        listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)
        return [int(process) for process in listed.stdout.split()]


def with_forks_allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """macOS ends a fork of a process that has used the network, unless its environment asks for the contrary.

    The workers fork, and use no more of the system after it than Python does.
    """
    allowed = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"} if sys.platform == "darwin" else {}
    return {**allowed, **environment}


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
