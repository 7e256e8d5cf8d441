"""A rolling upgrade: the last release's processes and this code's work on one database and one queue."""

import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connection

from common.processes import die_with_parent
from launcher.processes import kill_session
from sandbox.server import Sandbox
from tests.patience import PATIENCE, wait_until
from tests.releases.environment import HERE, PATIENT, ROOT, environment, kept_versions
from tests.releases.fill import open_sandbox
from tests.releases.roll import ROLLED
from tests.releases.test_migrating import address, lay  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one machine, which is stopped"),
]
NAMES = ("shop-to-devin", *ROLLED)
RELEASE = kept_versions()[-1]
ENDED = "SELECT count(*), count(finished_at), count(*) FILTER (WHERE status = 'succeeded') FROM syncs_syncrun"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The code of the last release, with the programs of these tests beside it."""
    commit = (RELEASE / "commit.txt").read_text().strip()
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"This checkout lacks the history of {RELEASE.name}, whose code is to run.")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    programs = tmp_path / "old" / "tests" / "releases"
    programs.mkdir(exist_ok=True)
    for path in HERE.glob("*.py"):
        (programs / path.name).write_bytes(path.read_bytes())
    return tmp_path / "old"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Holds what the release left there."""
    held = tmp_path / "devin.json"
    held.write_bytes((RELEASE / "devin.json").read_bytes())
    with open_sandbox(held) as server:
        for org_id in ROLLED.values():
            server.directory.declare_organization(org_id)
        yield server


class Site:
    """An installation whose processes are of two versions."""

    def __init__(self, place: str, data: Path, queue: str, programs: ExitStack) -> None:
        self.address, self.data, self.programs = place, data, programs
        # Nobody is here who would ring for a run that first waits for a burst to end, so none waits.
        own = {"REDIS_URL": queue, "WORKER_RUNS": "1", "SYNC_QUIET_SECONDS": "0"}
        self.environment = environment(place, data, **PATIENT, **own)

    def run(self, tree: Path, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def start_worker(self, tree: Path, name: str) -> "subprocess.Popen[bytes]":
        log = self.programs.enter_context((self.data / f"{name}.log").open("wb"))
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            env=self.environment,
            cwd=tree,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one call of the system
        )
        self.programs.callback(remove, worker)
        return worker

    def ask(self, tree: Path, *names: str) -> Callable[[], bool]:
        """Whether all the runs have ended."""
        ids = json.loads(self.run(tree, "-m", "tests.releases.roll", "ask", *names))
        assert len(ids) == len(names)
        return lambda: self.count(ids)[1] == len(ids)

    def is_idle(self) -> bool:
        runs, ended, _ = self.count()
        return runs == ended

    def count(self, ids: list[str] | None = None) -> tuple[int, int, int]:
        """Runs, those that have ended, and those that succeeded; of all where none are named."""
        with psycopg.connect(self.address) as database:
            where = " WHERE id = ANY(%s::uuid[])" if ids else ""
            [found] = database.execute((ENDED + where).encode(), [ids] if ids else None).fetchall()
        return found[0], found[1], found[2]


def stop(worker: "subprocess.Popen[bytes]") -> int:
    """As an operator does; its status."""
    worker.send_signal(signal.SIGTERM)
    return worker.wait(timeout=PATIENCE)


def remove(worker: "subprocess.Popen[bytes]") -> None:
    kill_session(worker.pid)
    worker.wait()


@pytest.fixture
def site(address: str, tmp_path: Path, queue_server: str) -> Iterator[Site]:  # noqa: F811
    data = tmp_path / "data"
    data.mkdir()
    redis.Redis.from_url(queue_server).flushall()
    with ExitStack() as programs:
        yield Site(address, data, queue_server, programs)


def check(site: Site, sandbox: Sandbox) -> None:
    """All runs succeeded, each organization holds what it should, once, and no two processes wrote to one at once."""
    runs, ended, succeeded = site.count()
    assert runs == ended == succeeded
    for org_id, keys in json.loads(site.run(ROOT, "-m", "tests.releases.roll", "wanted", *NAMES)).items():
        held = [(secret.key, secret.sha256) for secret in sandbox.organization(org_id).secrets()]
        assert sorted(one for one in held if one[0] != "OF_A_STRANGER") == sorted(keys.items())
    assert sandbox.log.overlapping_writers() == []


def test_workers_of_two_versions_share_the_runs(site: Site, old: Path, sandbox: Sandbox) -> None:
    lay(RELEASE, site.address)
    site.run(old, "-m", "tests.releases.roll", "make", sandbox.url)
    leaving = site.start_worker(old, "old")
    wait_until(site.ask(old, "one"), pause=0.1)
    site.run(ROOT, "manage.py", "prepare")
    site.start_worker(ROOT, "new")

    # Each carries one run at a time, and of these two neither goes on before both have begun.
    rules = [sandbox.faults.add("hold", method="POST", org=org_id) for org_id in ROLLED.values()]
    site.run(ROOT, "-m", "tests.releases.roll", "change")
    wait_until(lambda: all(rule.reached.is_set() for rule in rules))
    sandbox.faults.release()
    wait_until(site.is_idle, pause=0.1)
    wait_until(site.ask(old, *NAMES), pause=0.1)
    check(site, sandbox)

    assert stop(leaving) == 0
    wait_until(site.ask(ROOT, *NAMES), pause=0.1)
    check(site, sandbox)
    for log in site.data.glob("*.log"):
        assert '"level": "error"' not in log.read_text(), log.read_text()[-2000:]
