"""Which process this is, and whether one that signed something is alive: told apart beyond doubt, or not at all."""

import ctypes
import os
import signal
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

PR_SET_PDEATHSIG = 1


def identity() -> str:
    """This process, among all of all machines and times, in fewer than 40 characters."""
    return _own_identity(os.getpid())


def is_dead(who: str) -> bool:
    """Whether the process of that identity was one of this machine and is gone. False also if that can't be told.

    A process of another machine, or of another container of this one, may be alive although its number is free here.
    """
    machine, _, rest = who.partition("-")
    number, _, started = rest.partition("-")
    if machine != _machine() or not number.isdigit():
        return False
    return _started(int(number)) != started


def identity_of_child(pid: int) -> str:
    """The identity that a live child of this process has."""
    return f"{_machine()}-{pid}-{_started(pid)}"


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Asks Linux to send this process a signal when its parent ends, also when that was killed."""
    parent = os.getppid()
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), number)


def call_itself(title: str) -> None:
    """What `ps` shows of this process from now on; a fork would else be taken for its parent. Linux only."""
    try:
        fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return
    start, end = int(fields[45]), int(fields[46])
    if 0 < start < end:
        text = title.encode()[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def memory_in_use() -> int:
    """Bytes of this process in memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _own_identity(pid: int) -> str:
    return identity_of_child(pid)


@cache
def _machine() -> str:
    """This start of this machine's kernel and, in a container, this container: where a process's number means it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        container = os.readlink("/proc/self/ns/pid")
    except OSError:
        # Another for each process: then no other process can tell anything about it.
        boot, container = os.urandom(8).hex(), ""
    return sha256(f"{boot} {container}".encode()).hexdigest()[:10]


def _started(pid: int) -> str:
    """When a process began, in ticks of the kernel's clock since its start; "" if there is none, or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    # The name in parentheses may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
