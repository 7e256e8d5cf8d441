"""A project that is kept in Infisical: how soon its changes reach Devin, what a read and a plan take beside what the
servers take themselves, and many syncs of one project within one limit.

The stand-in of Infisical answers; Devin's side is the sandbox, as everywhere.
"""

import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import requests

from api.hooks.models import Hook
from benchmarks.reaction import PAUSE, wait_until
from benchmarks.site import ROOT, SECONDS_TO_START, Site
from benchmarks.subject import Disagreement, connection_of, require_equal
from connections.models import Connection
from launcher.processes import Program
from sandbox.infisical.sample import CLIENT_ID, CLIENT_SECRET, PROJECT_ID
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import Project as There
from sandbox.infisical.world import World
from sources.linking import link_project
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.choices import Status, Trigger
from syncs.engine.destination import Organization
from syncs.engine.preview import preview
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from vault.editing import Actor
from vault.models import Project

POLL_SECONDS = 5
LIMIT = 40
ALIKE = 5
PATIENCE = 900.0


@dataclass(frozen=True)
class Reading:
    """Seconds: to read a folder and plan, and what the servers took for the same answers, asked directly."""

    secrets: int
    ours: float
    source: float
    list: float

    @property
    def ratio(self) -> float:
        return self.ours / (self.source + self.list)


@dataclass(frozen=True)
class Limited:
    """Many syncs at once, each of one of `folders`, within a limit of `LIMIT` reads in `window` seconds."""

    syncs: int
    folders: int
    window: float
    seconds: float
    reads: int
    too_early: int

    @property
    def shortest(self) -> float:
        """No program can be quicker that reads so often: the limit's own arithmetic."""
        return (math.ceil(self.reads / LIMIT) - 1) * self.window


@dataclass(frozen=True)
class Sources:
    """Seconds from a change in Infisical to the first request at Devin; and the rest."""

    told: list[float]
    found: list[float]
    reading: Reading
    limited: list[Limited]


@dataclass(frozen=True)
class Crowd:
    """So many syncs at once by so many workers, within a limit of `LIMIT` reads in `window` seconds."""

    syncs: int
    workers: int
    window: float


def measure(site: Site, secrets: int, samples: int, crowd: Crowd) -> Sources:
    told = measure_webhook(site, samples)
    found = measure_polling(site, max(2, samples // 5))
    reading = measure_reading(site, secrets)
    limited = [measure_limited(site, crowd, folders) for folders in (crowd.syncs, ALIKE)]
    return Sources(told, found, reading, limited)


# From a change to Devin


def measure_webhook(site: Site, samples: int) -> list[float]:
    with serving("told") as (server, there, project), site.web() as web, site.workers(1):
        # Else a look might be the quicker one.
        LinkedProject.objects.filter(project=project).update(poll_seconds=0, next_poll_at=None)
        hook = Hook(link=LinkedProject.of(project))
        secret = hook.renew_secret()
        hook.save()
        server.webhooks.append(Webhook(f"{web.address}/hooks/infisical/{hook.pk}", secret))
        server.world.put(there, "dev", "/app", KEY="first")
        sync = add_sync(site, project, "told", "/app")
        time_change(site, server, there, sync, "second")
        return [time_change(site, server, there, sync, f"sample {number}") for number in range(samples)]


def measure_polling(site: Site, samples: int) -> list[float]:
    with serving("found") as (server, there, project), site.workers(1):
        LinkedProject.objects.filter(project=project).update(poll_seconds=POLL_SECONDS)
        server.world.put(there, "dev", "/app", KEY="first")
        sync = add_sync(site, project, "found", "/app")
        time_change(site, server, there, sync, "second")
        found = []
        for number in range(samples):
            # Changes come at any moment between two looks.
            time.sleep(random.uniform(0, POLL_SECONDS))  # noqa: S311 - spreads changes
            found.append(time_change(site, server, there, sync, f"sample {number}"))
        return found


def time_change(site: Site, server: InfisicalSandbox, there: There, sync: DevinSync, value: str) -> float:
    """From the moment at which the source has another value."""
    site.sandbox.forget_traffic()
    server.world.put(there, "dev", "/app", KEY=value)
    changed_at = time.monotonic()
    server.tell(there, "dev", "/app")
    wait_until(lambda: bool(site.sandbox.requests(sync.org_id)), "the change to reach Devin", patience=PATIENCE)
    going_on = SyncRun.objects.filter(sync=sync, finished_at__isnull=True)
    # A run that began before the change may be the first to be heard of.
    digests = {"KEY": sha256(value.encode()).hexdigest()}
    wait_until(lambda: site.sandbox.digests(sync.org_id) == digests, "Devin to hold the change", patience=PATIENCE)
    wait_until(lambda: not going_on.exists(), "the run to end", patience=PATIENCE)
    arrived = float(site.sandbox.requests(sync.org_id)[0]["arrived"])
    time.sleep(PAUSE)
    return arrived - changed_at


# What reading takes


def measure_reading(site: Site, secrets: int) -> Reading:
    """The median of three, each beside the same answers asked for directly; the stand-in in a process of its own."""
    url = start_stand_in(site)
    session = requests.Session()
    for number in range(secrets):
        where = {"project": "acme-shop", "environment": "prod", "path": "/checkout"}
        body = where | {"key": f"SECRET_{number:05}", "value": f"value {number}, " + "x" * 40}
        session.put(f"{url}/_sandbox/secrets", json=body, timeout=60).raise_for_status()
    connection = new_connection("reading", url)
    project = link_project(connection, PROJECT_ID, by=Actor.on_command_line())
    sync = add_sync(site, project, "reading", "/checkout", environment="prod")
    for number in range(secrets):
        site.sandbox.put(sync.org_id, key=f"SECRET_{number:05}", value="another")
    rounds = [time_reading(site, sync, url, session) for _ in range(4)][1:]
    return sorted(rounds, key=lambda reading: reading.ratio)[len(rounds) // 2]


def time_reading(site: Site, sync: DevinSync, url: str, session: requests.Session) -> Reading:
    started = time.perf_counter()
    plan = preview(sync, patience=None).plan
    ours = time.perf_counter() - started
    started = time.perf_counter()
    ask_directly(url, session)
    source = time.perf_counter() - started
    started = time.perf_counter()
    with Organization.open(sync.connection, sync.org_id) as organization:
        organization.list_secrets()
    return Reading(plan.source_count, ours, source, time.perf_counter() - started)


def ask_directly(url: str, session: requests.Session) -> None:
    """What a read asks for: the secrets with their imports, and the list of imports."""
    login = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
    if "Authorization" not in session.headers:
        answer = session.post(f"{url}/api/v1/auth/universal-auth/login", json=login, timeout=60).json()
        session.headers["Authorization"] = f"Bearer {answer['accessToken']}"
    at = {"projectId": PROJECT_ID, "environment": "prod"}
    wanted = {"secretPath": "/checkout", "expandSecretReferences": "true", "includeImports": "true"}
    session.get(f"{url}/api/v4/secrets", params=at | wanted, timeout=60).raise_for_status()
    session.get(f"{url}/api/v2/secret-imports", params=at | {"path": "/checkout"}, timeout=60).raise_for_status()


# Many syncs within one limit


def measure_limited(site: Site, crowd: Crowd, folders: int) -> Limited:
    """From the first request for a run to the end of the last run."""
    name = f"limited-{folders}"
    world = World(limits={"secrets": LIMIT}, window=crowd.window)
    with serving(name, world) as (server, there, project), site.workers(crowd.workers):
        LinkedProject.objects.filter(project=project).update(poll_seconds=0, next_poll_at=None)
        for number in range(folders):
            server.world.put(there, "dev", f"/folder-{number}", KEY=f"{number}")
        places = [f"/folder-{number % folders}" for number in range(crowd.syncs)]
        them = [add_sync(site, project, f"{name}-{number}", path) for number, path in enumerate(places)]
        seconds = time_all(them)
        seen = [each for each in server.world.seen if each.path.endswith("/secrets")]
        for sync in them:
            require_equal(site, sync.org_id, {"KEY": sync.source_path.removeprefix("/folder-")})
        return Limited(
            crowd.syncs, folders, crowd.window, seconds, len(seen), sum(each.inside_retry_after for each in seen)
        )


def time_all(syncs: Sequence[DevinSync]) -> float:
    started = time.perf_counter()
    runs = [request_run(sync, trigger=Trigger.MANUAL).pk for sync in syncs]
    going_on = SyncRun.objects.filter(pk__in=runs, finished_at__isnull=True)
    wait_until(lambda: not going_on.exists(), "all runs to end", patience=PATIENCE)
    seconds = time.perf_counter() - started
    failed = SyncRun.objects.filter(pk__in=runs).exclude(status=Status.SUCCEEDED).first()
    if failed is not None:
        raise Disagreement(f"The run of {failed.sync_name} is {failed.status}: {failed.message}")
    return seconds


# What they read


@contextmanager
def serving(name: str, world: World | None = None) -> Iterator[tuple[InfisicalSandbox, There, Project]]:
    """A stand-in of its own, with a project that is linked; its folder `dev:/app` is empty."""
    with InfisicalSandbox(world=world) as server:
        server.world.add_identity(CLIENT_ID, CLIENT_SECRET)
        there = server.world.add_project(name)
        server.world.add_folder(there, "dev", "/app")
        project = link_project(new_connection(name, server.url), there.id, by=Actor.on_command_line())
        yield server, there, project


def start_stand_in(site: Site) -> str:
    log = Path(site.folder) / "infisical.log"
    command = (sys.executable, "-m", "sandbox.infisical", "--port", "0")
    environment = {"PYTHONPATH": str(ROOT)}
    site.supervisor.start(Program(name="infisical", command=command, log=log, environment=environment, is_base=True))
    site.supervisor.wait_until(lambda: "listening on " in log.read_text(), name="infisical", seconds=SECONDS_TO_START)
    return log.read_text().split("listening on ", 1)[1].split(";")[0]


def new_connection(name: str, url: str) -> Connection:
    connection = Connection(name=f"infisical-{name}", app="infisical", method="universal-auth", base_url=url)
    connection.set_credentials({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET})
    connection.save()
    return connection


def add_sync(site: Site, project: Project, name: str, path: str, *, environment: str = "dev") -> DevinSync:
    site.sandbox.declare(f"org-{name}")
    sync = DevinSync(name=name, project=project, connection=connection_of(site), org_id=f"org-{name}")
    sync.source = Found(Place(environment, path), EnvironmentEntry(environment, environment))
    sync.save()
    return sync
