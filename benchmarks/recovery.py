"""How long a run is held up by what happens to its worker, its host, its database, its queue or its clock.

Each time a sync of 20 secrets has sent some of its writes when it happens. Measured is the time from then, or from when
what was gone is back, until the organization holds what its source holds and the run has ended. With the usual leases.
"""

import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from benchmarks.fleet import Load, Member
from benchmarks.hosts import PORT, differing, is_idle, prepare, wait_until_idle
from benchmarks.network import Host
from benchmarks.site import ROOT, SECONDS_TO_START, processes_in
from benchmarks.stage import Stage
from benchmarks.subject import Disagreement
from common.waiting import wait_for
from syncs.choices import Status
from syncs.models import SyncRun
from vault.editing import Actor, set_secrets

PATIENCE = 300.0
# A token that is none: one has to look.
NOBODY = {"Authorization": f"Bearer dsa_{'a' * 12}_{'b' * 43}"}
DOWN_FOR = 3.0
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


@dataclass(frozen=True)
class Recovery:
    """Seconds; `goal` and `before` as text, "-" where there is none. `seen` tells what else was looked at."""

    title: str
    before: str
    seconds: float
    goal: str
    seen: str = ""


@dataclass
class Scene:
    stage: Stage
    member: Member
    base: Host
    _number: int = 1
    _changes: int = 0

    def host(self, **variables: str) -> Host:
        """Another one, with a worker."""
        self._number += 1
        host = self.stage.network.host(self._number)
        self.stage.start(host, "worker", **variables)
        return host

    @contextmanager
    def in_mid_run(self) -> Iterator[None]:
        """A write of a run has arrived and waits for its answer; it gets it at the end."""
        wait_until_idle()
        rule = self.stage.sandbox.faults.add("hold", method="POST", skip=4)
        self.change()
        if not rule.reached.wait(PATIENCE):
            raise Disagreement("No run came about.")
        try:
            yield
        finally:
            self.stage.sandbox.faults.release()
            self.stage.sandbox.faults.clear()

    def change(self) -> None:
        self._changes += 1
        self.member.values = {key: f"change {self._changes}, {key}" for key in self.member.values}
        set_secrets(self.member.folder, self.member.values, by=Actor.on_command_line())

    def seconds_until_equal(self, since: float) -> float:
        def is_equal() -> bool:
            return is_idle() and not differing(self.stage.sandbox, [self.member])

        if not wait_for(is_equal, seconds=PATIENCE, longest_pause=0.05):
            raise Disagreement(f"The organization was not equal after {PATIENCE:.0f} s.")
        seconds = time.monotonic() - since
        if SyncRun.objects.exclude(status=Status.SUCCEEDED).exists():
            raise Disagreement("A run did not succeed.")
        return seconds

    def ask(self) -> str:
        """What the web process answers to whom it does not know: the status, and when to try again."""
        with self.stage.network.hub.sockets():
            connection = http.client.HTTPConnection(self.base.address, PORT, timeout=30)
            try:
                connection.request("GET", "/api/v1/secret-syncs/options", headers=NOBODY)
                answer = connection.getresponse()
            except OSError as error:
                return type(error).__name__
            finally:
                connection.close()
        after = answer.getheader("Retry-After")
        return f"answers {answer.status}" + (f", Retry-After {after}" if after else "")


def measure(stage: Stage) -> Iterator[Recovery]:
    (member,) = prepare(stage, Load(syncs=1, organizations=1, changes_a_second=0, seconds=0))
    base = stage.network.host(1)
    stage.start(base, "scheduler")
    stage.start(base, "serve", HOST=base.address, PORT=str(PORT), ALLOWED_HOSTS=base.address)
    scene = Scene(stage, member, base)
    stage.sandbox.settings.latency = 0.015
    worker = scene.host()
    wait_until_idle()
    if not wait_for(lambda: scene.ask() == "answers 401", seconds=SECONDS_TO_START):
        raise Disagreement("The web process does not answer.")
    for case in (child_killed, postgresql_restarted, valkey_flushed):
        yield case(scene, worker)
    yield two_interrupts(scene, worker)
    worker = scene.host()
    yield host_lost(scene, worker, "its power", Host.lose)
    worker = scene.host()
    yield host_lost(scene, worker, "its cable", Host.unplug)
    if Path(FAKETIME).exists():
        yield clock_set_back(scene)


def child_killed(scene: Scene, worker: Host) -> Recovery:
    with scene.in_mid_run():
        os.kill(carrier_on(worker), signal.SIGKILL)
        since = time.monotonic()
    return Recovery("a run's process killed", "117 to 123 s", scene.seconds_until_equal(since), "3 s")


def two_interrupts(scene: Scene, worker: Host) -> Recovery:
    """The worker's host goes on; the worker is started again, as by a supervisor."""
    with scene.in_mid_run():
        foreman = foreman_on(worker)
        while Path(f"/proc/{foreman}/cmdline").exists() and worker.programs[0].poll() is None:
            os.kill(foreman, signal.SIGINT)
            time.sleep(0.2)
        since = time.monotonic()
        scene.stage.start(worker, "worker")
    seconds = scene.seconds_until_equal(since)
    stop_workers(worker)
    return Recovery("two Ctrl-C, from the restart", "96 s", seconds, "as killed")


def postgresql_restarted(scene: Scene, worker: Host) -> Recovery:
    with scene.in_mid_run():
        connections.close_all()
        scene.stage.postgresql.stop()
        scene.stage.sandbox.faults.release()
        time.sleep(DOWN_FOR)
        answer = scene.ask()
        scene.stage.start_postgresql()
        since = time.monotonic()
    return Recovery("PostgreSQL restarted", "100 to 120 s", scene.seconds_until_equal(since), "5 s", answer)


def valkey_flushed(scene: Scene, worker: Host) -> Recovery:
    """A change comes while the queue is away, and what it held is gone."""
    with scene.in_mid_run():
        scene.stage.valkey.stop()
        scene.change()
        answer = scene.ask()
        scene.stage.valkey.start()
        scene.stage.valkey.flush()
        since = time.monotonic()
    return Recovery("Valkey killed, restarted and flushed", "-", scene.seconds_until_equal(since), "-", answer)


def host_lost(scene: Scene, worker: Host, what: str, harm: Callable[[Host], None]) -> Recovery:
    """Another host starts at that moment: had it been there before, the run could be its own."""
    with scene.in_mid_run():
        harm(worker)
        since = time.monotonic()
    other = scene.host()
    seconds = scene.seconds_until_equal(since)
    if worker.namespace.holder.poll() is None:
        worker.plug_in()
        stop_workers(worker)
    stop_workers(other)
    return Recovery(f"a worker's host lost {what}", "120 s", seconds, "30 s")


def clock_set_back(scene: Scene) -> Recovery:
    """On all hosts, right after a run's process was killed; the database keeps the right time."""
    clock = scene.stage.folder / "clock"
    clock.write_text("+0")
    fake = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(ROOT / "tests" / "ahead"),
    }
    scene.base.lose()
    scene.base = scene.stage.network.host(100)
    scene.stage.start(scene.base, "scheduler", **fake)
    worker = scene.host(**fake)
    with scene.in_mid_run():
        os.kill(carrier_on(worker), signal.SIGKILL)
        clock.write_text("-3600")
        since = time.monotonic()
    return Recovery("killed, and the clock set back 1 h", "over 240 s", scene.seconds_until_equal(since), "3 s")


# Processes of hosts, as they are numbered on the outside


def carriers_on(host: Host) -> list[int]:
    return [pid for pid, command in processes_in(host.namespace.first).items() if "devinsync: carries runs" in command]


def carrier_on(host: Host) -> int:
    (pid,) = carriers_on(host)
    return pid


def foremen_on(host: Host) -> list[int]:
    return [pid for pid, command in processes_in(host.namespace.first).items() if command.endswith("manage.py worker")]


def foreman_on(host: Host) -> int:
    (pid,) = foremen_on(host)
    return pid


def stop_workers(host: Host) -> None:
    for pid in foremen_on(host):
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not foremen_on(host) and not carriers_on(host), seconds=PATIENCE)
