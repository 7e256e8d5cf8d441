"""PostgreSQL fails over to a standby in the middle of runs: two real servers of this test's own, of which one dies."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.models.functions import Now
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from common.database_urls import OF_SEVERAL
from sandbox.server import Sandbox
from syncs.choices import BlockedReason, Status, Trigger
from syncs.engine.lease import Lease
from syncs.errors import LeaseLost
from syncs.models import SyncControl, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from syncs.runs.failover import current_timeline
from syncs.runs.wishes import Wishes
from tests.actors import ANYBODY
from tests.patience import PATIENCE, wait_until
from tests.postgresql import PostgreSQL
from tests.syncs.torture.programs import Start
from tests.syncs.torture.theatre import Scene, set_scene, wait_for_quiet
from vault.editing import set_secrets

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif("connection.vendor != 'postgresql'"),
    pytest.mark.usefixtures("rung", "no_pause"),
]


@dataclass
class Cluster:
    """Two servers; the programs know the addresses of both."""

    first: PostgreSQL
    second: PostgreSQL

    def fail_over(self) -> None:
        """The first dies without a word; the second goes on with all that was committed."""
        self.first.stop(at_once=True)
        self.second.promote()

    def leave_standby_behind(self) -> None:
        """What is committed from here on, the second server never hears of."""
        (end,) = self.first.ask("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.second.ask("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", end) == [True])
        self.second.stop()

    def fail_over_to_what_was_left_behind(self) -> None:
        connections.close_all()
        self.first.stop(at_once=True)
        self.second.start()
        self.second.promote()


@pytest.fixture(scope="module")
def prepared(django_db_blocker: DjangoDbBlocker) -> Iterator[PostgreSQL]:
    """A server with all tables, which does not run: copying it takes less time than making them again."""
    server = PostgreSQL.create()
    server.start()
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        lead_to(patch, server)
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        connections.close_all()
    server.stop()
    yield server
    server.remove()


@pytest.fixture
def cluster(
    prepared: PostgreSQL, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """With this test's database in it."""
    first = prepared.make_twin()
    first.start()
    second = first.make_standby()
    second.start()
    lead_to(monkeypatch, first, second)
    with django_db_blocker.unblock():
        yield Cluster(first, second)
        connections.close_all()
    first.remove()
    second.remove()


def lead_to(patch: pytest.MonkeyPatch, *servers: PostgreSQL) -> None:
    """There is one dictionary for the connections of all threads."""
    connections.close_all()
    host = ",".join(str(server.data) for server in servers)
    for name, text in (("NAME", "postgres"), ("HOST", host)):
        patch.setitem(connection.settings_dict, name, text)
    for name, option in {**OF_SEVERAL, "host": host}.items():
        patch.setitem(connection.settings_dict["OPTIONS"], name, option)


def test_a_run_goes_on_at_the_standby(cluster: Cluster, sandbox: Sandbox, start: Start, client: Client) -> None:
    """With a standby that each commit waits for, nothing is lost."""
    cluster.first.wait_for_standby()
    scene = set_scene(sandbox)
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=4)
    for program in ("scheduler", "scheduler", "worker"):
        start(program)
    assert rule.reached.wait(PATIENCE)

    cluster.fail_over()
    let_every_lease_end()
    rule.release()
    wait_for_quiet(sandbox)

    assert client.get("/readyz").status_code == 200
    wait_until(lambda: SyncRun.objects.get(pk=scene.run.pk).is_finished)
    assert scene.problems() == []


def let_every_lease_end() -> None:
    """Those that the servers before this one may have given: nobody waits for them any more."""
    connections.close_all()
    SyncControl.objects.update(timeline=current_timeline(), timeline_since=Now() - settings.SYNC_LEASE)


def test_an_organization_whose_holder_was_forgotten_is_not_written_at_once(cluster: Cluster, sandbox: Sandbox) -> None:
    """Its holder may still be at it: for as long as the lease that the new server has never heard of."""
    scene = set_scene(sandbox)
    cluster.leave_standby_behind()
    forgotten = taken(scene)
    assert waits_of(forgotten) == []

    cluster.fail_over_to_what_was_left_behind()
    lease = taken(scene)

    with pytest.raises(LeaseLost):
        forgotten.confirm_held()
    assert len(waits_of(lease)) == 1
    assert waits_of(lease) <= [settings.SYNC_LEASE.total_seconds()]
    let_every_lease_end()
    lease.release()
    assert waits_of(taken(scene)) == []


def test_a_server_that_restarts_has_forgotten_nobody(cluster: Cluster, sandbox: Sandbox) -> None:
    scene = set_scene(sandbox)
    connections.close_all()
    cluster.first.stop()
    cluster.first.start()

    assert waits_of(taken(scene)) == []


def taken(scene: Scene) -> Lease:
    """The lease with which the scene's run starts."""
    claimed = claim(scene.run.pk)
    assert claimed is not None
    return claimed[1]


def waits_of(lease: Lease) -> list[float]:
    waits: list[float] = []
    lease.quarantine(waits.append)
    return waits


def carry_out(scene: Scene, wishes: Wishes | None = None) -> SyncRun:
    run = request_run(scene.sync, trigger=Trigger.MANUAL, wishes=wishes or Wishes())
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    return run


def test_what_a_lagging_standby_forgot_is_written_once_a_person_says_so(cluster: Cluster, sandbox: Sandbox) -> None:
    """The source survived, the ledger of the run that wrote it did not: not even that the run has begun."""
    scene = set_scene(sandbox)
    cluster.leave_standby_behind()
    scene.carry_out()
    assert scene.problems() == []
    sandbox.clear_traffic()

    cluster.fail_over_to_what_was_left_behind()
    scene.carry_out()

    scene.run.refresh_from_db()
    assert (scene.run.status, scene.run.blocked_reason) == (Status.BLOCKED, BlockedReason.ROLLBACK)
    assert not sandbox.log.writes()
    assert carry_out(scene, Wishes(accepts_rollback=True)).status == Status.SUCCEEDED
    assert scene.problems() == [f"the run is {Status.BLOCKED}: {scene.run.message}"]


def test_a_value_that_a_lagging_standby_forgot_stays_in_devin_until_a_person_has_looked(
    cluster: Cluster, sandbox: Sandbox
) -> None:
    scene = set_scene(sandbox)
    scene.carry_out()
    cluster.leave_standby_behind()
    set_secrets(scene.folder, {"R1": "newest"}, by=ANYBODY)
    assert carry_out(scene).status == Status.SUCCEEDED
    sandbox.clear_traffic()

    cluster.fail_over_to_what_was_left_behind()

    assert carry_out(scene).blocked_reason == BlockedReason.ROLLBACK
    assert scene.organization.values()["APP_R1"] == "newest"
    assert not sandbox.log.writes()
    set_secrets(scene.folder, {"R1": "newest"}, by=ANYBODY)
    assert carry_out(scene, Wishes(accepts_rollback=True)).status == Status.SUCCEEDED
    assert scene.organization.values()["APP_R1"] == "newest"
