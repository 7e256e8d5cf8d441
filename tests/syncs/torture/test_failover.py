"""PostgreSQL fails over to a standby in the middle of runs: two real servers of this test's own, of which one dies."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from common.database_urls import OF_SEVERAL
from sandbox.server import Sandbox
from syncs.choices import BlockedReason, Status, Trigger
from syncs.models import SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
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
        self.second.stop()

    def fail_over_to_what_was_left_behind(self) -> None:
        connections.close_all()
        self.first.stop(at_once=True)
        self.second.start()
        self.second.promote()


@pytest.fixture
def cluster(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """With this test's database in it."""
    first = PostgreSQL.create()
    first.start()
    second = first.make_standby()
    second.start()
    # One dictionary for the connections of all threads.
    connections.close_all()
    host = f"{first.data},{second.data}"
    for name, text in (("NAME", "postgres"), ("HOST", host)):
        monkeypatch.setitem(connection.settings_dict, name, text)
    for name, option in {**OF_SEVERAL, "host": host}.items():
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], name, option)
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        yield Cluster(first, second)
        connections.close_all()
    first.remove()
    second.remove()


def test_a_run_goes_on_at_the_standby(cluster: Cluster, sandbox: Sandbox, start: Start, client: Client) -> None:
    """With a standby that each commit waits for, nothing is lost."""
    cluster.first.wait_for_standby()
    scene = set_scene(sandbox)
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=4)
    for program in ("scheduler", "scheduler", "worker"):
        start(program)
    assert rule.reached.wait(PATIENCE)

    cluster.fail_over()
    rule.release()
    wait_for_quiet(sandbox)

    # The first request finds its connection cut, and says so; the next has another.
    client.get("/readyz")
    assert client.get("/readyz").status_code == 200
    wait_until(lambda: SyncRun.objects.get(pk=scene.run.pk).is_finished)
    assert scene.problems() == []


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
