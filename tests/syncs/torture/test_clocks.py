"""A host's clock is set by an hour right after a worker was killed in the middle of a run.

SQLite has no clock but its host's; PostgreSQL keeps the right time, and hosts go by that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.db.models import F
from django.utils import timezone

from common import clock
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.models import Destination, DevinSync, SyncControl, SyncRun
from syncs.runs import schedule
from tests.syncs.torture.kill import in_a_worker
from tests.syncs.torture.theatre import Scene, set_scene, wait_for_quiet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
SET = pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["back", "forward"])


@dataclass
class HostClock:
    """Of this host and its processes; `off` the right time by so much."""

    off: timedelta = timedelta()

    def strftime(self, form: str, moment: str) -> str:
        """Stands in for SQLite's own, as `Now()` uses it."""
        assert (form, moment) == ("%Y-%m-%d %H:%M:%f", "NOW")
        return (datetime.now(UTC) + self.off).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostClock]:
    host, right = HostClock(), timezone.now

    def teach(connection: Any, **_: object) -> None:
        if connection.vendor == "sqlite":
            connection.connection.create_function("strftime", -1, host.strftime)

    monkeypatch.setattr(timezone, "now", lambda: right() + host.off)
    connection_created.connect(teach)
    connections.close_all()
    yield host
    connection_created.disconnect(teach)
    connections.close_all()


@pytest.fixture
def killed(host: HostClock, sandbox: Sandbox) -> Scene:
    """A run whose worker is gone, a moment after the queue was told of it and a scheduler noted that it was alive."""
    scene = set_scene(sandbox)
    schedule.note_alive()
    SyncRun.objects.update(rung_at=timezone.now())
    sandbox.faults.add("signal", signal="SIGKILL", moment="before", method="POST", org=scene.sync.org_id, skip=3)
    assert in_a_worker(scene) is None
    wait_for_quiet(sandbox)
    scene.run.refresh_from_db()
    assert (scene.run.status, scene.run.attempt) == (Status.RUNNING, 1)
    return scene


def let_pass(much: timedelta) -> None:
    """All that is noted was noted so much earlier, or is so much nearer."""
    Destination.objects.update(lease_expires_at=F("lease_expires_at") - much)
    SyncRun.objects.update(rung_at=F("rung_at") - much, not_before=F("not_before") - much)
    DevinSync.objects.update(next_reconcile_at=F("next_reconcile_at") - much)
    SyncControl.objects.update(scheduler_seen_at=F("scheduler_seen_at") - much)


def rung_for(scene: Scene, rung: list[str]) -> bool:
    """Whether a scheduler that looks now rings for the run."""
    rung.clear()
    schedule.note_alive()
    schedule.tick()
    return str(scene.run.pk) in rung


@SET
def test_a_killed_run_is_taken_up_when_its_lease_would_have_ended(
    host: HostClock, killed: Scene, rung: list[str], by: timedelta
) -> None:
    host.off = by
    jumps_over_the_lease = connection.vendor == "sqlite" and by > timedelta(0)

    assert rung_for(killed, rung) == jumps_over_the_lease
    let_pass(settings.SYNC_LEASE + SECOND)
    assert rung_for(killed, rung) or jumps_over_the_lease

    killed.carry_out()
    killed.run.refresh_from_db()
    assert (killed.run.status, killed.run.attempt) == (Status.SUCCEEDED, 2)
    assert killed.problems() == []


@SET
def test_a_lease_is_granted_for_no_longer_than_it_lasts(host: HostClock, killed: Scene, by: timedelta) -> None:
    """A second clock that is set, and a third: nobody waits for an hour because of it."""
    for _ in range(3):
        host.off += by
        schedule.note_alive()

    let_pass(settings.SYNC_LEASE + SECOND)

    killed.carry_out()
    killed.run.refresh_from_db()
    assert killed.run.status == Status.SUCCEEDED


@SET
def test_what_waits_for_its_time_waits_no_longer(
    host: HostClock, sandbox: Sandbox, rung: list[str], by: timedelta
) -> None:
    scene, quarter = set_scene(sandbox), timedelta(minutes=15)
    schedule.note_alive()
    SyncRun.objects.filter(pk=scene.run.pk).update(not_before=timezone.now() + quarter)
    DevinSync.objects.update(next_reconcile_at=timezone.now() + 2 * quarter)
    host.off = by

    if not (connection.vendor == "sqlite" and by > timedelta(0)):
        rung_for(scene, rung)
        scene.run.refresh_from_db()
        assert scene.run.not_before is not None
        assert scene.run.not_before > clock.now()
    let_pass(quarter)

    assert rung_for(scene, rung)
    assert not DevinSync.objects.filter(next_reconcile_at__gt=clock.now() + HOUR / 2).exists()
