"""Real processes, in a short data folder of each test's own."""

import base64
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ds-", dir="/tmp") as folder:
        yield Path(folder) / "var"


@pytest.fixture
def port() -> int:
    """Free, as is the next one, and below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            for number in (port, port + 1):
                socket.create_server(("127.0.0.1", number)).close()
        except OSError:
            continue
        return port


@pytest.fixture
def environment(data_dir: Path, port: int) -> dict[str, str]:
    """A newcomer's: nothing of ours is set but where to put things."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {"DATA_DIR": str(data_dir), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def started_before(data_dir: Path, django_db_setup: Path | None) -> None:
    """A data folder whose database is migrated, which is most of a first start; for tests of what comes after."""
    data_dir.mkdir(mode=0o700)
    key = base64.b64encode(os.urandom(32)).decode()
    put(data_dir / "secrets.env", f"ENCRYPTION_KEYS={key}\n".encode())
    if django_db_setup:
        put(data_dir / "devinsync.sqlite3", django_db_setup.read_bytes())


def put(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)


@pytest.fixture
def launch(environment: dict[str, str], data_dir: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts `python -m launcher …`; what still runs at the end is killed."""
    started = []

    def launch(*arguments: str, **variables: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "launcher", *arguments],
            cwd=ROOT,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.communicate()
    # What it had started sees by itself that it has gone, and writes to the folder until then.
    wait_until(lambda: not processes_using(data_dir))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_using(data_dir: Path) -> list[int]:
    """Every process with that data folder in its environment or command line."""
    needle, found = os.fsencode(str(data_dir)), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if needle in text and is_alive(int(folder.name)):
            found.append(int(folder.name))
    return found


def end(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)
