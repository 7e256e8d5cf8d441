"""An installation at work: many syncs over some organizations, and changes that come in by the API at a steady rate.

Measured is the time from the API's answer to a change until Devin has the new value, with real web, worker and
scheduler processes; at the end each organization is compared with its sources, value by value.
"""

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256

import requests

from benchmarks.site import Processes, Site, Web
from benchmarks.subject import Disagreement, connection_of
from common.waiting import wait_for
from connections.models import Connection
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask_many import request_runs
from vault.editing import Actor, create_environment, create_folder, create_project, set_secrets
from vault.models import Folder

SECRETS = 20
SYNCS_A_PROJECT = 50
SENDERS = 8
PATIENCE = 900.0


@dataclass(frozen=True)
class Load:
    syncs: int
    organizations: int
    changes_a_second: float
    seconds: float


@dataclass
class Member:
    """One sync of the fleet, with what its organization should hold."""

    sync: DevinSync
    folder: Folder
    values: dict[str, str] = field(repr=False)

    @property
    def prefix(self) -> str:
        return self.sync.name.upper().replace("-", "_") + "_"


@dataclass(frozen=True)
class Change:
    org_id: str
    key: str
    answered: float
    took: float


# The fleet


def build_for(site: Site, load: Load) -> list[Member]:
    site.sandbox.declare(*(org_of(number, load) for number in range(load.organizations)))
    return build(connection_of(site), load)


def build(connection: Connection, load: Load) -> list[Member]:
    """Syncs of organizations that have been declared, with nothing in their folders yet."""
    members: list[Member] = []
    environment = None
    for number in range(load.syncs):
        if number % SYNCS_A_PROJECT == 0:
            name = f"fleet-{number // SYNCS_A_PROJECT}"
            project = create_project(name=name, slug=name, environments=(), by=Actor.on_command_line())
            environment = create_environment(project, name="Development", slug="dev", by=Actor.on_command_line())
        assert environment is not None  # noqa: S101
        folder = create_folder(environment, f"/app-{number}", by=Actor.on_command_line())
        sync = DevinSync.objects.create(
            name=f"app-{number}",
            project=environment.project,
            folder=folder,
            connection=connection,
            org_id=org_of(number, load),
            key_schema=f"APP_{number}_{{{{secretKey}}}}",
        )
        values = {f"SECRET_{secret}": f"first {number} {secret}" for secret in range(SECRETS)}
        members.append(Member(sync, folder, values))
    return members


def org_of(number: int, load: Load) -> str:
    return f"org-fleet-{number % load.organizations}"


def first_sync(members: list[Member]) -> float:
    """Seconds until all secrets of all syncs are in Devin."""
    began = time.monotonic()
    DevinSync.objects.update(auto_sync_enabled=False)
    for member in members:
        set_secrets(member.folder, member.values, by=Actor.on_command_line())
    DevinSync.objects.update(auto_sync_enabled=True)
    request_runs([member.sync.pk for member in members], trigger=Trigger.MANUAL)
    wait_until_idle()
    if SyncRun.objects.exclude(status=Status.SUCCEEDED).exists():
        raise Disagreement("Not every first run succeeded.")
    return time.monotonic() - began


def wait_until_idle() -> None:
    if not wait_for(lambda: not SyncRun.objects.filter(finished_at__isnull=True).exists(), seconds=PATIENCE):
        raise Disagreement(f"Some runs had not ended after {PATIENCE:.0f} s.")


# The changes


@dataclass
class Sender:
    """Makes changes by the API, through a few threads."""

    address: str
    token: str = field(repr=False)
    accepted: list[Change] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)  # statuses, 0 where no answer came
    is_over: threading.Event = field(default_factory=threading.Event, repr=False)
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def send(self, member: Member, key: str, value: str) -> None:
        began = time.monotonic()
        try:
            status = self._patch(self.address, member, key, value)
        except requests.RequestException:
            status = 0
        now = time.monotonic()
        if status != 200:
            self.refused.append(status)
            return
        member.values[key] = value
        self.accepted.append(Change(member.sync.org_id, member.prefix + key, now, now - began))

    def _patch(self, address: str, member: Member, key: str, value: str, *, patience: float = 60) -> int:
        body = {
            "projectId": str(member.sync.project_id),
            "environment": "dev",
            "secretPath": member.folder.path,
            "secretValue": value,
        }
        return self._session().patch(f"{address}/api/v4/secrets/{key}", json=body, timeout=patience).status_code

    def keep_up(self, changes: Iterator[tuple[Member, str, str]], a_second: float, seconds: float) -> None:
        """At a steady rate, whatever the answers take, for so long or until it `is_over`."""
        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as pool:
            for number in range(int(a_second * seconds)):
                is_over = self.is_over.wait(max(0.0, began + number / a_second - time.monotonic()))
                if is_over or time.monotonic() - began > seconds:
                    break
                pool.submit(self.send, *next(changes))

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["Authorization"] = f"Bearer {self.token}"
        session: requests.Session = self._local.session
        return session


def endless_changes(members: list[Member]) -> Iterator[tuple[Member, str, str]]:
    """Each secret is changed once before any is changed again, so that it is known which change was the last."""
    places = [(member, f"SECRET_{number}") for member in members for number in range(SECRETS)]
    random.Random(1).shuffle(places)  # noqa: S311 - a load, not a secret
    for number in itertools.count():
        member, key = places[number % len(places)]
        yield member, key, f"change {number}"


def issue_token(name: str = "fleet") -> str:
    from django.contrib.auth.models import User

    from api.models import ApiToken

    user = User.objects.create_superuser(name, password=None)
    return ApiToken.issue(user, name)[1]


# The measurement


@dataclass(frozen=True)
class Fleet:
    """Seconds, but for the counts. `lags` are from the answer to a change until it was in Devin."""

    load: Load
    workers: int
    first_sync: float
    refused: int
    requests: list[float]
    lags: list[float]
    drained: float
    runs: int
    worker_cores: float
    web_cores: float
    cpu_a_run: float
    machine_load: float

    @property
    def accepted_a_second(self) -> float:
        return len(self.requests) / self.load.seconds


def measure(site: Site, load: Load, *, workers: Sequence[int]) -> Iterator[Fleet]:
    """The same load with each of these numbers of worker processes; the first of them does the first sync."""
    members = build_for(site, load)
    trial = Trial(site, load, members, endless_changes(members), issue_token())
    for count in workers:
        with site.workers(count) as processes, site.web() as web:
            trial.first_sync = trial.first_sync or first_sync(members)
            site.sandbox.forget_traffic()
            yield trial.run(count, processes, web)


@dataclass
class Trial:
    site: Site
    load: Load
    members: list[Member]
    changes: Iterator[tuple[Member, str, str]]
    token: str = field(repr=False)
    first_sync: float = 0.0

    def run(self, workers: int, processes: Processes, web: Web) -> Fleet:
        sender, runs = Sender(web.address, self.token), SyncRun.objects.count()
        cpu, web_cpu = processes.cpu_seconds(), web.processes.cpu_seconds()
        began = time.monotonic()
        sender.keep_up(self.changes, self.load.changes_a_second, self.load.seconds)
        ended = time.monotonic()
        wait_until_idle()
        took = time.monotonic() - began
        cpu, web_cpu = processes.cpu_seconds() - cpu, web.processes.cpu_seconds() - web_cpu
        lags = lags_of(sender.accepted, posts(self.site))
        arrivals = [change.answered + lag for change, lag in zip(sender.accepted, lags, strict=True)]
        check(self.site, self.members)
        runs = SyncRun.objects.count() - runs
        return Fleet(
            load=self.load,
            workers=workers,
            first_sync=self.first_sync,
            refused=len(sender.refused),
            requests=[change.took for change in sender.accepted],
            lags=lags,
            drained=max(0.0, max(arrivals, default=ended) - ended),
            runs=runs,
            worker_cores=cpu / took,
            web_cores=web_cpu / took,
            cpu_a_run=cpu / max(runs, 1),
            machine_load=os.getloadavg()[0],
        )


# What became of them


def posts(site: Site) -> dict[tuple[str, str], list[float]]:
    """By organization and key, when a new value was in Devin."""
    found: dict[tuple[str, str], list[float]] = {}
    for entry in site.sandbox.all_requests():
        if entry["method"] == "POST" and entry["committed"] and entry["key"]:
            found.setdefault((entry["org"], entry["key"]), []).append(entry["committed"])
    return found


def lags_of(changes: list[Change], arrived: dict[tuple[str, str], list[float]]) -> list[float]:
    lags = []
    for change in changes:
        # A run may have read the change before its sender had the answer.
        since = change.answered - change.took
        later = [at for at in arrived.get((change.org_id, change.key), []) if at >= since]
        if not later:
            raise Disagreement(f"A change of {change.key} never reached {change.org_id}.")
        lags.append(max(0.0, min(later) - change.answered))
    return lags


def check(site: Site, members: list[Member]) -> None:
    desired: dict[str, dict[str, str]] = {}
    for member in members:
        wanted = desired.setdefault(member.sync.org_id, {})
        wanted |= {member.prefix + key: sha256(value.encode()).hexdigest() for key, value in member.values.items()}
    for org_id, wanted in desired.items():
        if site.sandbox.digests(org_id) != wanted:
            raise Disagreement(f"{org_id} does not hold what its sources hold.")
