"""What is due: runs that the queue lost, reconciles, and old rows to sweep."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from django.conf import LazySettings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import clock
from connections.models import Connection
from syncs.choices import Status, Trigger
from syncs.models import Destination, DevinSync, SyncControl, SyncRun
from syncs.runs import schedule
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.claim import claim
from syncs.runs.due import next_reconcile
from syncs.runs.queue import count_bells, ring

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
AGO = timedelta(minutes=5)


@pytest.fixture
def run(sync: DevinSync, rung: list[str]) -> SyncRun:
    run = request_run(sync, trigger=Trigger.MANUAL)
    rung.clear()
    return run


def test_rings_for_a_run_that_the_queue_was_never_told_of(run: SyncRun, rung: list[str]) -> None:
    assert schedule.tick() == 1
    assert rung == [str(run.pk)]


def test_not_for_one_that_it_was_told_of_lately(run: SyncRun, rung: list[str]) -> None:
    SyncRun.objects.update(rung_at=timezone.now())

    assert schedule.tick() == 0


def test_again_after_a_silence(run: SyncRun, rung: list[str], settings: LazySettings) -> None:
    SyncRun.objects.update(rung_at=timezone.now() - settings.SYNC_RING_AGAIN)

    assert schedule.tick() == 1


def test_not_before_its_time(run: SyncRun, rung: list[str]) -> None:
    SyncRun.objects.update(not_before=timezone.now() + AGO)

    assert schedule.tick() == 0


def test_at_its_time_though_it_was_rung_for_before(run: SyncRun, rung: list[str]) -> None:
    now = timezone.now()
    SyncRun.objects.update(not_before=now, rung_at=now - timedelta(seconds=1))

    assert schedule.tick() == 1


def test_for_a_run_whose_worker_died(run: SyncRun, rung: list[str]) -> None:
    assert claim(run.pk) is not None
    assert schedule.tick() == 0
    Destination.objects.update(lease_expires_at=Now() - AGO)

    assert schedule.tick() == 1
    assert rung == [str(run.pk)]


def test_for_nothing_while_all_syncs_are_paused(run: SyncRun, rung: list[str]) -> None:
    SyncControl.get()
    SyncControl.objects.update(is_paused=True)

    assert schedule.tick() == 0
    assert rung == []


def test_does_not_count_what_the_queue_did_not_hear(run: SyncRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncs.runs.schedule.ring", lambda *bell: False)

    assert schedule.tick() == 0


def test_starts_a_reconcile_that_is_due(sync: DevinSync, rung: list[str]) -> None:
    DevinSync.objects.update(next_reconcile_at=timezone.now() - AGO)

    schedule.tick()

    run = SyncRun.objects.get()
    assert (run.trigger, run.status) == (Trigger.SCHEDULE, Status.PENDING)
    sync.refresh_from_db()
    assert sync.next_reconcile_at is not None
    assert sync.next_reconcile_at > timezone.now()


def test_a_reconcile_joins_a_run_that_waits(run: SyncRun, sync: DevinSync) -> None:
    DevinSync.objects.update(next_reconcile_at=timezone.now() - AGO)

    schedule.tick()

    assert SyncRun.objects.get().trigger_count == 2


def test_one_that_was_disabled_since_it_was_found_stays_out(sync: DevinSync) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)
    DevinSync.objects.update(next_reconcile_at=timezone.now() - AGO)
    DevinSync.objects.filter(pk=sync.pk).update(is_enabled=False)

    request_runs([sync.pk, second.pk], trigger=Trigger.SCHEDULE)

    assert SyncRun.objects.get().sync == second


def test_a_first_run_comes_from_its_own_trigger(sync: DevinSync) -> None:
    schedule.tick()

    assert not SyncRun.objects.exists()


# Thousands at once


STATEMENTS_A_THOUSAND = 50


def make_due(sync: DevinSync, count: int) -> None:
    """Syncs like this one, each to an organization of its own, all due."""
    rows = [DevinSync(**copied(sync), name=f"copy-{number}", org_id=f"org-{number}") for number in range(count)]
    DevinSync.objects.bulk_create(rows)
    DevinSync.objects.exclude(pk=sync.pk).update(next_reconcile_at=timezone.now() - AGO)


def copied(sync: DevinSync) -> dict[str, Any]:
    same = ("project_id", "environment_id", "folder_id", "source_environment", "source_path", "connection_id")
    return {name: getattr(sync, name) for name in same}


def test_a_thousand_reconciles_take_few_statements(sync: DevinSync, rung: list[str]) -> None:
    make_due(sync, 1000)

    with CaptureQueriesContext(connection) as captured:
        assert schedule.tick() == 1000

    assert len(captured) <= STATEMENTS_A_THOUSAND
    assert len(set(rung)) == 1000
    assert set(SyncRun.objects.values_list("status", "trigger")) == {(Status.PENDING, Trigger.SCHEDULE)}
    assert DevinSync.objects.filter(sync_status=Status.PENDING).count() == 1000
    shown = DevinSync.objects.exclude(pk=sync.pk).values_list("pk", "last_sync_run_id")
    assert set(shown) == set(SyncRun.objects.values_list("sync_id", "pk"))


def test_a_thousand_waiting_runs_are_rung_for_in_few_statements(
    sync: DevinSync, queue_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due(sync, 1000)
    request_runs(list(DevinSync.objects.values_list("pk", flat=True)), trigger=Trigger.CHANGE)
    DevinSync.objects.update(next_reconcile_at=None)
    valkey = redis.Redis.from_url(queue_server)
    valkey.flushall()
    monkeypatch.setattr(schedule, "ring", ring)

    with CaptureQueriesContext(connection) as captured:
        assert schedule.tick() == 1001

    assert len(captured) <= 10
    assert count_bells(valkey) == 1001
    assert schedule.tick() == 0


def test_thousands_are_started_over_a_few_ticks(
    sync: DevinSync, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    make_due(sync, 25)
    monkeypatch.setattr(schedule, "RECONCILES_AT_ONCE", 10)

    for _ in range(4):
        schedule.tick()
        started.append(SyncRun.objects.count())

    assert started == [10, 20, 25, 25]


def test_what_became_due_at_once_is_spread_over_the_interval(sync: DevinSync) -> None:
    """Each moves towards a place of its own, a tenth of the interval at a time."""
    interval, begin = timedelta(minutes=15), datetime(2026, 1, 1, tzinfo=UTC)
    syncs = [DevinSync(reconcile_minutes=15) for _ in range(3000)]
    due = dict.fromkeys((one.pk for one in syncs), begin)
    for _ in range(12):
        due = {one.pk: next_at(one, due[one.pk]) for one in syncs}

    minutes = Counter((moment - begin) % interval // timedelta(minutes=1) for moment in due.values())

    assert len(minutes) == 15
    assert max(minutes.values()) < 2 * 3000 / 15


def next_at(sync: DevinSync, now: datetime) -> datetime:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now)
        found = next_reconcile(sync)
    assert found is not None
    assert 0.9 <= (found - now) / timedelta(minutes=15) <= 1.1
    return found


def test_a_queue_that_is_away_is_asked_once_a_tick(sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    make_due(sync, 5)
    asked: list[UUID] = []

    def ring(run_id: UUID, project_id: UUID) -> bool:
        asked.append(run_id)
        return False

    monkeypatch.setattr("syncs.runs.schedule.ring", ring)

    assert schedule.tick() == 0
    assert len(asked) == 1


# A clock that is set back


@pytest.fixture
def set_back(sync: DevinSync, run: SyncRun) -> timedelta:
    """An hour, right after the queue was told of a run, and after a scheduler noted that it was alive."""
    hour = timedelta(hours=1)
    schedule.note_alive()
    SyncControl.objects.update(scheduler_seen_at=F("scheduler_seen_at") + hour)
    return hour


def test_what_was_due_is_due_after_the_clock_was_set_back(
    set_back: timedelta, sync: DevinSync, run: SyncRun, rung: list[str]
) -> None:
    later = timezone.now() + set_back
    SyncRun.objects.update(rung_at=later, not_before=later)
    DevinSync.objects.update(next_reconcile_at=later + timedelta(minutes=10))
    Connection.objects.update(rate_limited_until=later)
    assert schedule.tick() == 0

    schedule.note_alive()
    schedule.tick()

    assert str(run.pk) in rung
    sync.refresh_from_db()
    assert sync.next_reconcile_at is not None
    assert sync.next_reconcile_at <= timezone.now() + timedelta(minutes=10)
    assert claim(run.pk) is not None


def test_a_dead_holders_lease_ends_after_the_clock_was_set_back(
    set_back: timedelta, run: SyncRun, settings: LazySettings
) -> None:
    assert claim(run.pk) is not None
    Destination.objects.update(lease_expires_at=Now() + set_back)

    schedule.note_alive()

    assert not Destination.objects.filter(lease_expires_at__gt=Now() + settings.SYNC_LEASE).exists()
    assert Destination.objects.filter(lease_expires_at__gt=Now()).exists(), "its holder may be alive"


def test_it_is_set_right_once(set_back: timedelta, run: SyncRun, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        schedule.note_alive()

    assert caplog.text.count("the clock was set back") == 1


def test_a_clock_that_goes_on_changes_nothing(run: SyncRun) -> None:
    later = timezone.now() + AGO
    SyncRun.objects.update(not_before=later)

    for _ in range(3):
        schedule.note_alive()

    run.refresh_from_db()
    assert run.not_before == later


def test_hosts_go_by_the_databases_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This host's is an hour ahead."""
    if connection.vendor == "sqlite":
        before = timezone.now()
        assert before <= clock.now() <= timezone.now()
        return
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=1))

    # However long the question took.
    assert abs(clock.now() - now()) < timedelta(minutes=30)
