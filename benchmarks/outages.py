"""Three hosts at work, and one outage after the other while changes come in by the API at a steady rate.

The queue is lost, the database restarts, a host is cut off in the middle of its runs and comes back, the database
fails over to its standby, a host loses its power. Two of the hosts have a web process and a scheduler, all three have
workers; who changes a value goes to the other web process when one does not answer, and tries until it is accepted, as
behind a load balancer. A change counts from that answer. At the end every accepted change must be in Devin, each
organization equal to its sources, and no organization may have been written by two hosts at once.
"""

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import requests
from django.db import connections
from django.db.models import QuerySet

from benchmarks import fleet
from benchmarks.hosts import PORT, faults_in, is_idle, prepare, status_of_web
from benchmarks.network import Host, Namespace
from benchmarks.site import SECONDS_TO_START
from benchmarks.stage import Stage
from benchmarks.subject import Disagreement
from common.waiting import wait_for
from syncs.choices import Status
from syncs.models import SyncRun

LATENCY = 0.015
DOWN_FOR = 3.0
CUT_FOR = 30.0
# Of one web process; then the other is asked.
PATIENCE_WITH_WEB = 5.0
PATIENCE = 1800.0
# A change that waits longer is one that something held up.
HELD_UP = 5.0
# How the message ends of a run that met an outage while a later run of its sync waited.
HANDED_ON = "A later run is queued and tries again."


@dataclass
class Client(fleet.Sender):
    """`addresses` are those of the web processes; each thread stays with one while it answers."""

    addresses: list[str] = field(default_factory=list)
    hub: Namespace | None = None
    _turns: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def send(self, member: fleet.Member, key: str, value: str) -> None:
        began = time.monotonic()
        while (status := self._try(member, key, value)) != 200:
            self.refused.append(status)
            self._local.turn = next(self._turns)
            time.sleep(0.5)
        now = time.monotonic()
        member.values[key] = value
        self.accepted.append(fleet.Change(member.sync.org_id, member.prefix + key, now, now - began))

    def _try(self, member: fleet.Member, key: str, value: str) -> int:
        assert self.hub is not None  # noqa: S101
        if not hasattr(self._local, "turn"):
            self._local.turn = next(self._turns)
        address = self.addresses[self._local.turn % len(self.addresses)]
        try:
            with self.hub.sockets():
                return self._patch(address, member, key, value, patience=PATIENCE_WITH_WEB)
        except requests.RequestException:
            return 0


@dataclass(frozen=True)
class Outage:
    """What came of the changes that were answered from an outage to the next; times in seconds.

    `recovered` is when the last change arrived that had waited for longer than HELD_UP; 0 if there was none.
    """

    title: str
    lags: list[float]
    refused: dict[int, int]
    recovered: float
    machine_load: float


@dataclass(frozen=True)
class Outages:
    load: fleet.Load
    first_sync: float
    seen: list[Outage]
    accepted: int
    runs: int
    taken_over: int
    writes: int
    cut_in_mid_run: int
    handed_on: int
    faults: list[str]


@dataclass
class Mark:
    """The start of an outage: how far everything was."""

    title: str
    at: float
    refused: int
    machine_load: float


@dataclass
class Trial:
    stage: Stage
    members: list[fleet.Member]
    client: Client
    spacing: float
    hosts: list[Host] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    cut_in_mid_run: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_host(self, *, has_web: bool) -> Host:
        host = self.stage.network.host(next(self._numbers))
        self.stage.start(host, "worker")
        if has_web:
            self.stage.start(host, "scheduler")
            variables = {"HOST": host.address, "PORT": str(PORT), "ALLOWED_HOSTS": host.address}
            self.stage.start(host, "serve", **variables, API_RATE_PER_MINUTE="0")
        return host

    def wait_for_web(self) -> None:
        for host in self.hosts[:2]:
            if not wait_for(partial(self.has_web, host), seconds=SECONDS_TO_START * 5):
                raise Disagreement(f"The web process of {host.address} does not answer.")
        self.client.addresses[:] = [f"http://{host.address}:{PORT}" for host in self.hosts[:2]]

    def has_web(self, host: Host) -> bool:
        return status_of_web(self.stage, host) == 200

    def suffer(self) -> None:
        """One after the other, each with time to recover from."""
        outages: tuple[tuple[str, Callable[[], None]], ...] = (
            ("nothing", lambda: None),
            ("Valkey killed, 3 s down, restarted and flushed", self.lose_queue),
            ("PostgreSQL restarted, 3 s down", self.restart_database),
            ("a host cut off for 30 s in the middle of a run", self.cut_off),
            ("PostgreSQL failed over to its standby after 3 s", self.fail_over),
            ("a host lost its power in the middle of a run", self.lose_host),
        )
        for title, happen in outages:
            load = os.getloadavg()[0]
            self.marks.append(Mark(title, time.monotonic(), len(self.client.refused), load))
            happen()
            time.sleep(self.spacing)

    def lose_queue(self) -> None:
        self.stage.valkey.stop()
        time.sleep(DOWN_FOR)
        self.stage.valkey.start()
        self.stage.valkey.flush()

    def restart_database(self) -> None:
        self.stage.postgresql.stop()
        time.sleep(DOWN_FOR)
        self.stage.start_postgresql()

    def fail_over(self) -> None:
        self.stage.postgresql.stop(at_once=True)
        time.sleep(DOWN_FOR)
        self.stage.fail_over()

    def cut_off(self) -> None:
        """The one that has neither web nor scheduler."""
        host = self.hosts[2]
        self.wait_for_write(host)
        host.unplug()
        time.sleep(CUT_FOR)
        host.plug_in()

    def lose_host(self) -> None:
        """One that has; another machine takes its place."""
        host = self.hosts[1]
        self.wait_for_write(host)
        host.lose()
        self.hosts[1] = self.add_host(has_web=True)
        self.wait_for_web()

    def wait_for_write(self, host: Host) -> None:
        writes = self.stage.sandbox.log.writes

        def is_at_work() -> bool:
            return any(entry.ended is None for entry in writes()[-200:] if entry.peer == host.address)

        if wait_for(is_at_work, seconds=SECONDS_TO_START, longest_pause=0.02):
            self.cut_in_mid_run += 1
        self.marks[-1].at = time.monotonic()


def measure(stage: Stage, load: fleet.Load, spacing: float) -> Outages:
    """`load.seconds` is not looked at: changes come until the last outage is over."""
    stage.sandbox.settings.latency = LATENCY
    stage.add_standby()
    members = prepare(stage, load)
    client = Client("", fleet.issue_token("outages"), hub=stage.network.hub)
    trial = Trial(stage, members, client, spacing)
    began = time.monotonic()
    trial.hosts += [trial.add_host(has_web=number < 2) for number in range(3)]
    wait_until_idle()
    first_sync = time.monotonic() - began
    trial.wait_for_web()
    stage.sandbox.clear_traffic()
    before = SyncRun.objects.count()
    with changes_coming_in(client, members, load.changes_a_second):
        trial.suffer()
    wait_until_idle()
    return judge(trial, load, first_sync, SyncRun.objects.count() - before)


@contextmanager
def changes_coming_in(client: Client, members: list[fleet.Member], a_second: float) -> Iterator[None]:
    arguments = (fleet.endless_changes(members), a_second, 24 * 3600)
    thread = threading.Thread(target=client.keep_up, args=arguments)
    thread.start()
    try:
        yield
    finally:
        client.is_over.set()
        thread.join()


def judge(trial: Trial, load: fleet.Load, first_sync: float, runs: int) -> Outages:
    log, accepted = trial.stage.sandbox.log, trial.client.accepted
    arrived = arrivals(trial)
    lags = [(change, arrival_of(change, arrived)) for change in accepted]
    faults = [f"a change of {change.key} never reached {change.org_id}" for change, at in lags if at is None]
    faults += [f"a change was answered {status}" for status in sorted({*trial.client.refused} - {0, 503})]
    known = [(change, at) for change, at in lags if at is not None]
    return Outages(
        load=load,
        first_sync=first_sync,
        seen=list(outages_of(trial, known)),
        accepted=len(accepted),
        runs=runs,
        taken_over=SyncRun.objects.filter(attempt__gt=1).count(),
        writes=len(log.writes()),
        cut_in_mid_run=trial.cut_in_mid_run,
        handed_on=ended_otherwise().filter(message__iendswith=HANDED_ON).count(),
        faults=[*faults, *faults_in(trial.stage.sandbox, trial.members, "at the end"), *failures()],
    )


def ended_otherwise() -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(finished_at__isnull=False).exclude(status=Status.SUCCEEDED)


def failures() -> list[str]:
    """Of runs that no later one stood in for."""
    return [f"a run is {run.status}: {run.message}" for run in ended_otherwise().exclude(message__iendswith=HANDED_ON)]


def arrivals(trial: Trial) -> dict[tuple[str, str], list[float]]:
    """By organization and key, when a new value was in Devin."""
    found: dict[tuple[str, str], list[float]] = {}
    for entry in trial.stage.sandbox.log.requests("POST"):
        if entry.committed and entry.org and entry.key:
            found.setdefault((entry.org, entry.key), []).append(entry.committed)
    return found


def arrival_of(change: fleet.Change, arrived: dict[tuple[str, str], list[float]]) -> float | None:
    """A run may have read the change before its sender had the answer."""
    since = change.answered - change.took
    later = [at for at in arrived.get((change.org_id, change.key), []) if at >= since]
    return max(min(later), change.answered) if later else None


def outages_of(trial: Trial, known: list[tuple[fleet.Change, float]]) -> Iterator[Outage]:
    ends = [*trial.marks[1:], Mark("", float("inf"), len(trial.client.refused), 0.0)]
    for mark, end in zip(trial.marks, ends, strict=True):
        here = [(change, at) for change, at in known if mark.at <= change.answered < end.at]
        open_then = [(change, at) for change, at in known if change.answered < end.at and at >= mark.at]
        late = [at for change, at in open_then if at - change.answered > HELD_UP]
        yield Outage(
            mark.title,
            lags=[at - change.answered for change, at in here],
            refused=dict(Counter(trial.client.refused[mark.refused : end.refused])),
            recovered=max(late, default=mark.at) - mark.at,
            machine_load=mark.machine_load,
        )


def wait_until_idle() -> None:
    connections.close_all()
    if not wait_for(is_idle, seconds=PATIENCE):
        raise Disagreement(f"Some runs had not ended after {PATIENCE:.0f} s.")
