"""Which process is at the other end of a connection on this machine (Linux), so that a fault can stop or kill it."""

import contextlib
import os
import signal
import socket
from pathlib import Path


def send_signal(sock: socket.socket, pid: int | None, name: str) -> None:
    """To the process given, else to the one that sent the request; a process that is gone is no error."""
    found = pid if pid is not None else process_behind(sock)
    if found is not None and found not in (0, 1, os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, signal.Signals[name])


def process_behind(sock: socket.socket) -> int | None:
    link = f"socket:[{inode_of(sock.getpeername()[1], sock.getsockname()[1])}]"
    return next(
        (process for process in map(int, filter(str.isdigit, os.listdir("/proc"))) if holds(process, link)), None
    )


def holds(process: int, link: str) -> bool:
    """Whether one of its open files is this one; not if it has ended in the meantime."""
    folder = f"/proc/{process}/fd"
    with contextlib.suppress(OSError):
        for handle in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                if os.readlink(f"{folder}/{handle}") == link:
                    return True
    return False


def inode_of(port: int, other_port: int) -> str | None:
    """The kernel's number of the socket that goes from one port to the other."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                if [int(columns[i].rpartition(":")[2], 16) for i in (1, 2)] == [port, other_port]:
                    return columns[9]
    return None
