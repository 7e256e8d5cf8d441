"""A DevinSync of the benchmark's own: a new folder with database, queue and keys, and a sandbox process beside it.

Nothing of an installation is read or changed. `open_site` sets the environment and loads Django, so modules that import
models are imported after it.
"""

import base64
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from launcher.health import answers
from launcher.processes import Program
from launcher.supervise import Supervisor
from launcher.valkey import prepare_valkey

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "cog_benchmark"
SECONDS_TO_START = 60.0


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of another process, by its control routes."""

    url: str
    session: requests.Session

    def declare(self, *org_ids: str) -> None:
        self._post("organizations", organizations=[{"org_id": org_id} for org_id in org_ids])

    def put(self, org_id: str, **secret: str) -> None:
        self._post(f"organizations/{org_id}/secrets", **secret)

    def forget_traffic(self) -> None:
        self._post("reset", traffic=True)

    def requests(self, org_id: str) -> list[dict[str, Any]]:
        """What has arrived for one organization since traffic was last forgotten."""
        entries = self._get("log")["requests"]
        return [entry for entry in entries if entry["org"] == org_id]

    def all_requests(self) -> list[dict[str, Any]]:
        """What has arrived for all organizations since traffic was last forgotten."""
        return list(self._get("log")["requests"])

    def digests(self, org_id: str) -> dict[str, str]:
        """Key to SHA-256 of the value."""
        return {item["key"]: item["sha256"] for item in self._get(f"organizations/{org_id}")["secrets"]}

    def _get(self, route: str) -> Any:
        return _checked(self.session.get(f"{self.url}/_sandbox/{route}", timeout=60))

    def _post(self, route: str, **body: Any) -> Any:
        return _checked(self.session.post(f"{self.url}/_sandbox/{route}", json=body, timeout=60))


def _checked(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


@dataclass(frozen=True)
class Site:
    folder: Path
    supervisor: Supervisor
    sandbox: Sandbox
    latency: float
    concurrency: int

    @contextmanager
    def workers(self, count: int) -> Iterator["Processes"]:
        """Warm workers and a scheduler, as `make run` starts them."""
        names = [*(f"worker-{number}" for number in range(1, count + 1)), "scheduler"]
        with self._started(*(self._manage(name, name.partition("-")[0]) for name in names)) as processes:
            processes.supervisor.wait_until(lambda: count_workers() == count, name="worker-1", seconds=SECONDS_TO_START)
            yield processes

    @contextmanager
    def web(self) -> Iterator["Web"]:
        """A web process, as `make run` starts it."""
        port = free_port()
        with self._started(self._manage("web", "serve", PORT=str(port), API_RATE_PER_MINUTE="0")) as processes:
            processes.supervisor.wait_until(
                lambda: answers("127.0.0.1", port, "/healthz"), name="web", seconds=SECONDS_TO_START
            )
            yield Web(f"http://127.0.0.1:{port}", processes)

    @contextmanager
    def _started(self, *programs: Program) -> Iterator["Processes"]:
        supervisor = Supervisor(grace=10, say=lambda text: None)
        try:
            for program in programs:
                supervisor.start(program)
            yield Processes(supervisor)
        finally:
            supervisor.stop()

    def _manage(self, name: str, command: str, **variables: str) -> Program:
        manage = (sys.executable, str(ROOT / "manage.py"), command)
        environment = {**os.environ, **variables}
        return Program(name=name, command=manage, log=self.folder / f"{name}.log", environment=environment)


@dataclass(frozen=True)
class Footprint:
    """What live processes hold: bytes of memory, threads, open files."""

    memory: int = 0
    threads: int = 0
    files: int = 0

    def __add__(self, other: "Footprint") -> "Footprint":
        return Footprint(self.memory + other.memory, self.threads + other.threads, self.files + other.files)

    @classmethod
    def of(cls, pid: int) -> "Footprint | None":
        """None if it has ended."""
        try:
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            return None
        told = dict(line.split(":", 1) for line in status if ":" in line)
        return cls(int(told.get("VmRSS", "0 kB").split()[0]) * 1024, int(told["Threads"]), files)


@dataclass(frozen=True)
class Processes:
    supervisor: Supervisor

    def cpu_seconds(self) -> float:
        """What they and all that they have started used so far."""
        return sum(cpu_seconds_of(session) for session in self.supervisor.sessions)

    def footprints(self) -> dict[str, Footprint]:
        """By program; what a program has started, such as the carrier of a worker, has a line of its own."""
        found: dict[str, Footprint] = {}
        for name, leader in self.supervisor.leaders().items():
            for pid in processes_of(leader):
                label = name if pid == leader else f"{name}'s own"
                if (footprint := Footprint.of(pid)) is not None:
                    found[label] = found.get(label, Footprint()) + footprint
        return found


@dataclass(frozen=True)
class Web:
    address: str
    processes: Processes


def cpu_seconds_of(session: int) -> float:
    """Of a session's live processes, and of those that ended and were waited for."""
    ticks = sum(int(field) for fields in processes_of(session).values() for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def processes_of(session: int) -> dict[int, list[str]]:
    """By the number of each live process of a session, what /proc/PID/stat says from its third field on."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found[int(stat.parent.name)] = fields
    return found


def processes_in(first: int) -> dict[int, str]:
    """By number, the command lines of the processes that share a namespace of processes with one, itself left out."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_there = os.readlink(folder / "ns" / "pid") == os.readlink(f"/proc/{first}/ns/pid")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if is_there and int(folder.name) != first:
            found[int(folder.name)] = command
    return found


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def count_workers() -> int:
    import django_rq
    from rq.worker import Worker

    return Worker.count(queue=django_rq.get_queue("default"))


@contextmanager
def open_site(*, latency: float, duplicates: str, concurrency: int, database: str = "") -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="devinsync-bench-"))
    supervisor = Supervisor(grace=10, say=lambda text: None)
    valkey = prepare_valkey(folder / "valkey")
    try:
        os.environ |= environment(folder, valkey.url, database)
        supervisor.start(
            Program(
                name="valkey",
                command=valkey.command,
                log=folder / "valkey.log",
                environment={},
                pass_fds=(valkey.lock,),
                is_base=True,
            )
        )
        valkey.wait()
        load_django()
        sandbox = start_sandbox(supervisor, folder, latency, duplicates)
        yield Site(folder, supervisor, sandbox, latency, concurrency)
    finally:
        supervisor.stop()
        valkey.release()
        shutil.rmtree(folder, ignore_errors=True)


def environment(folder: Path, redis_url: str, database: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "devinsync_site.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": database or f"sqlite:///{folder / 'devinsync.sqlite3'}",
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ENCRYPTION_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def load_django() -> None:
    import logging

    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger().setLevel(logging.WARNING)
    call_command("migrate", verbosity=0)


def start_sandbox(
    supervisor: Supervisor,
    folder: Path,
    latency: float,
    duplicates: str = "reject409",
    certificate: Path | None = None,
) -> Sandbox:
    """With a certificate it speaks TLS."""
    name = "sandbox-tls" if certificate else "sandbox"
    log, session = folder / f"{name}.log", requests.Session()
    options = ["--latency-ms", str(latency * 1000), "--duplicates", duplicates, "--key", f"{API_KEY}=*"]
    if certificate:
        options += ["--tls", str(certificate), "--host", "localhost"]
        session.verify, session.trust_env = str(certificate), False
    command = (sys.executable, "-m", "sandbox", "--port", "0", *options)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    supervisor.start(Program(name=name, command=command, log=log, environment=environment, is_base=True))
    supervisor.wait_until(lambda: "listening on " in log.read_text(), name=name, seconds=SECONDS_TO_START)
    return Sandbox(log.read_text().split("listening on ", 1)[1].split()[0], session)
