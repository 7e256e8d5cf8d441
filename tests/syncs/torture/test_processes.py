"""Real workers and a real scheduler on a real queue: one is killed, another goes on."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest
import redis
from django.conf import LazySettings

from launcher.processes import kill_session
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.models import SyncRun
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.patience import PATIENCE, wait_until
from tests.syncs.torture.programs import Start
from tests.syncs.torture.theatre import Scene, set_scene, wait_for_quiet
from vault.editing import set_secrets

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def scene(sandbox: Sandbox, rung: list[str]) -> Scene:
    return set_scene(sandbox)


def is_finished(run: SyncRun) -> bool:
    run.refresh_from_db()
    return run.is_finished


def test_a_killed_workers_run_is_taken_up_by_another(scene: Scene, sandbox: Sandbox, start: Start) -> None:
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=4)
    start("scheduler")
    worker = start("worker")
    assert rule.reached.wait(PATIENCE)

    kill_session(worker.pid)
    killed = time.monotonic()
    rule.release()
    wait_for_quiet(sandbox)
    start("worker")
    wait_until(lambda: is_finished(scene.run))
    print(f"another worker had done its run after {time.monotonic() - killed:.1f} s")

    assert scene.run.attempt == 2
    assert scene.problems() == []


def test_a_flushed_queue_loses_no_run(scene: Scene, queue_server: str, start: Start) -> None:
    start("scheduler")
    wait_until(lambda: SyncRun.objects.filter(pk=scene.run.pk, rung_at__isnull=False).exists())
    redis.Redis.from_url(queue_server).flushall()

    start("worker")
    wait_until(lambda: is_finished(scene.run))

    assert scene.run.status == Status.SUCCEEDED
    assert scene.problems() == []


def test_a_change_reaches_devin_without_another_click(scene: Scene, start: Start, settings: LazySettings) -> None:
    settings.SYNC_QUIET_TIME = timedelta(seconds=0.2)
    start("scheduler")
    start("worker")
    wait_until(lambda: is_finished(scene.run))

    set_secrets(scene.folder, {"FRESH": "from-the-vault"}, by=ANYBODY)

    wait_until(lambda: len(scene.organization.with_key("APP_FRESH")) == 1)
    assert SyncRun.objects.filter(sync=scene.sync, trigger=Trigger.CHANGE).exists()


def test_two_syncs_of_one_organization_take_turns(
    scene: Scene, sandbox: Sandbox, start: Start, settings: LazySettings
) -> None:
    settings.SYNC_QUIET_TIME = timedelta(0)
    scene.carry_out()
    other = set_scene(sandbox)
    other.sync.org_id = scene.sync.org_id
    other.sync.connection, other.sync.key_schema = scene.sync.connection, "OTHER_{{secretKey}}"
    other.sync.save()
    SyncRun.objects.filter(sync=other.sync).delete()
    set_secrets(scene.folder, {f"N{number}": "1" for number in range(10)}, by=ANYBODY)
    runs = [request_run(sync, trigger=Trigger.MANUAL) for sync in (scene.sync, other.sync)]
    sandbox.clear_traffic()
    sandbox.settings.latency = 0.02
    start("scheduler"), start("worker"), start("worker")

    wait_until(lambda: all(is_finished(run) for run in runs))

    turns = [prefix for prefix, follows in pairwise(writers(sandbox)) if prefix != follows]
    assert [run.status for run in runs] == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert len(turns) == 1, "writes of the two runs are mixed"


def writers(sandbox: Sandbox) -> list[str]:
    """Which sync each write came from, in the order in which they arrived."""
    return [(entry.key or "").split("_")[0] for entry in sorted(sandbox.log.writes(), key=lambda entry: entry.arrived)]
