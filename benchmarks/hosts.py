"""Three hosts with workers, of which one loses its power and one its cable in the middle of runs, round after round.

The cable comes back while another host is at the runs that the cut one had. Looked for are writes of two hosts to one
organization at once, and those of an attempt that came after a later attempt's; at the end of each round every
organization is compared with its sources.
"""

import http.client
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from benchmarks.fleet import Load, Member, build
from benchmarks.network import Host
from benchmarks.site import API_KEY, SECONDS_TO_START
from benchmarks.stage import Stage
from benchmarks.subject import Disagreement
from common.waiting import wait_for
from connections.models import Connection
from sandbox.log import LoggedRequest, overlaps
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.engine.notes import Tag
from syncs.models import SyncRun
from vault.editing import Actor, set_secrets

SYNCS, ORGANIZATIONS = 12, 6
LATENCY = 0.15
PORT = 8000
# Seconds, three of the leases.
LONGEST_CUT = 15.0
PATIENCE = 600.0


@dataclass
class Rounds:
    """What was seen. `faults` are sentences; there should be none."""

    played: int = 0
    cut_in_mid_run: int = 0
    lost_in_mid_run: int = 0
    runs: int = 0
    writes: int = 0
    taken_over: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Play:
    stage: Stage
    members: list[Member]
    hosts: list[Host] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_host(self, *, is_first: bool) -> Host:
        """With a worker, and the first one with the web process and the scheduler as well."""
        host = self.stage.network.host(next(self._numbers))
        self.stage.start(host, "worker")
        if is_first:
            self.stage.start(host, "scheduler")
            self.stage.start(host, "serve", HOST=host.address, PORT=str(PORT), ALLOWED_HOSTS=host.address)
        return host

    def change_all(self, number: int) -> None:
        for member in self.members:
            member.values = {key: f"round {number}, {key}" for key in member.values}
            set_secrets(member.folder, member.values, by=Actor.on_command_line())

    def replace(self, host: Host) -> None:
        """Another machine in the place of one that is gone."""
        place = self.hosts.index(host)
        self.hosts[place] = self.add_host(is_first=place == 0)

    def writes_of(self, host: Host, since: int) -> list[LoggedRequest]:
        return [entry for entry in self.stage.sandbox.log.writes() if entry.seq > since and entry.peer == host.address]

    def is_at_work(self, host: Host, since: int) -> bool:
        return any(entry.ended is None for entry in self.writes_of(host, since))

    def last_request(self) -> int:
        return max((entry.seq for entry in self.stage.sandbox.log.requests()), default=0)


def differing(sandbox: Sandbox, members: Sequence[Member]) -> list[str]:
    """The organizations that do not hold what their sources hold."""
    desired: dict[str, dict[str, str]] = {}
    for member in members:
        wanted = desired.setdefault(member.sync.org_id, {})
        wanted |= {member.prefix + key: sha256(value.encode()).hexdigest() for key, value in member.values.items()}
    held = {org: sandbox.organization(org).secrets() for org in desired}
    found = {org: {secret.key: secret.sha256 for secret in secrets} for org, secrets in held.items()}
    return sorted(org for org in desired if found[org] != desired[org] or len(held[org]) != len(desired[org]))


def measure(stage: Stage, rounds: int) -> Iterator[Rounds]:
    """After each round what has been seen until then."""
    stage.sandbox.settings.latency = LATENCY
    play = Play(stage, prepare(stage, Load(SYNCS, ORGANIZATIONS, 0, 0)))
    play.hosts += [play.add_host(is_first=number == 0) for number in range(3)]
    dice, seen = random.Random(1), Rounds()  # noqa: S311 - who is lost, not a secret
    wait_until_idle()
    for number in range(1, rounds + 1):
        cut, lost = dice.sample(play.hosts, 2)
        play_round(play, number, cut, lost, seen)
        seen.played = number
        judge(play, seen)
        yield seen


def prepare(stage: Stage, load: Load) -> list[Member]:
    stage.sandbox.directory.declare_key(API_KEY, org_id=None)
    for number in range(load.organizations):
        stage.sandbox.directory.declare_organization(f"org-fleet-{number}")
    connection = Connection(name="benchmark", base_url=stage.sandbox.url, concurrency=16)
    connection.set_api_key(API_KEY)
    connection.save()
    members = build(connection, load)
    for member in members:
        set_secrets(member.folder, member.values, by=Actor.on_command_line())
    return members


def play_round(play: Play, number: int, cut: Host, lost: Host, seen: Rounds) -> None:
    since, runs = play.last_request(), SyncRun.objects.count()
    play.change_all(number)
    wait_for(lambda: play.is_at_work(cut, since) and play.is_at_work(lost, since), seconds=20, longest_pause=0.02)
    seen.cut_in_mid_run += play.is_at_work(cut, since)
    seen.lost_in_mid_run += play.is_at_work(lost, since)
    # Every second time, what was on its way to the host still reaches it, and it sends more.
    hub, is_misled = play.stage.network.address, number % 2 == 0
    cut.mislead(hub) if is_misled else cut.unplug()
    lost.lose()
    play.replace(lost)
    had = {entry.org for entry in play.writes_of(cut, since)}
    at = play.last_request()

    def another_is_at_it() -> bool:
        later = [entry for entry in play.stage.sandbox.log.writes() if entry.seq > at]
        return any(entry.org in had and entry.peer != cut.address for entry in later) or is_idle()

    # Nobody is, where the cut one has the scheduler.
    wait_for(another_is_at_it, seconds=LONGEST_CUT, longest_pause=0.02)
    cut.set_right(hub) if is_misled else cut.plug_in()
    wait_until_idle()
    seen.runs += SyncRun.objects.count() - runs
    wait_until_web_answers(play)


def judge(play: Play, seen: Rounds) -> None:
    writes = play.stage.sandbox.log.writes()
    seen.writes = len(writes)
    seen.taken_over = SyncRun.objects.filter(attempt__gt=1).count()
    faults = faults_in(play.stage.sandbox, play.members, f"after round {seen.played}")
    failed = SyncRun.objects.exclude(status=Status.SUCCEEDED).filter(finished_at__isnull=False)
    faults += [f"a run is {run.status}: {run.message}" for run in failed]
    seen.faults = list(dict.fromkeys([*seen.faults, *faults]))


def faults_in(sandbox: Sandbox, members: Sequence[Member], when: str) -> list[str]:
    """What must not be, a sentence each."""
    writes = sandbox.log.writes()
    faults = [f"{first.peer} and {second.peer} wrote to {second.org} at once" for first, second in overlaps(writes)]
    faults += [f"{entry.peer} wrote {entry.key} late, to {entry.org}" for entry in late(writes)]
    return faults + [f"{org} differs {when}" for org in differing(sandbox, members)]


def late(writes: Sequence[LoggedRequest]) -> list[LoggedRequest]:
    """Writes of an attempt that arrived after one of a later attempt of the same sync: of a host that was taken for
    gone."""
    found = []
    newest: dict[str, int] = {}
    for entry in sorted(writes, key=lambda entry: entry.arrived):
        # What is said of a deletion is the note of the secret that goes.
        tag = Tag.read(entry.note) if entry.method == "POST" else None
        if tag is None:
            continue
        if tag.generation < newest.get(tag.sync, 0):
            found.append(entry)
        newest[tag.sync] = max(tag.generation, newest.get(tag.sync, 0))
    return found


def is_idle() -> bool:
    return not SyncRun.objects.filter(finished_at__isnull=True).exists()


def wait_until_idle() -> None:
    if not wait_for(is_idle, seconds=PATIENCE):
        raise Disagreement(f"Some runs had not ended after {PATIENCE:.0f} s.")


def wait_until_web_answers(play: Play) -> None:
    if not wait_for(lambda: status_of_web(play.stage, play.hosts[0]) == 200, seconds=SECONDS_TO_START):
        raise Disagreement("The web process does not answer.")


def status_of_web(stage: Stage, host: Host) -> int:
    with stage.network.hub.sockets():
        connection = http.client.HTTPConnection(host.address, PORT, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()
