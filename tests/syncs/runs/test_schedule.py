"""What is due: runs that the queue lost, reconciles, and old rows to sweep."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db.models.functions import Now
from django.utils import timezone

from syncs.choices import Status, Trigger
from syncs.errors import NotRunnable
from syncs.models import Destination, DevinSync, SyncControl, SyncRun, WriteIntent
from syncs.runs import schedule
from syncs.runs.ask import request_run
from syncs.runs.claim import claim

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
    monkeypatch.setattr("syncs.runs.schedule.ring", lambda run_id: False)

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


def test_one_sync_that_cannot_start_does_not_stop_the_others(
    sync: DevinSync, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)
    DevinSync.objects.update(next_reconcile_at=timezone.now() - AGO)

    def request(one: DevinSync, **how: Any) -> SyncRun:
        if one == sync:
            raise NotRunnable("It was disabled since.")
        return request_run(one, **how)

    monkeypatch.setattr(schedule, "request_run", request)
    schedule.tick()

    assert SyncRun.objects.get().sync == second


def test_a_first_run_comes_from_its_own_trigger(sync: DevinSync) -> None:
    schedule.tick()

    assert not SyncRun.objects.exists()


# Sweeping


def closed_intent(run: SyncRun, key: str, age: timedelta | None) -> WriteIntent:
    assert run.sync is not None
    return WriteIntent.objects.create(
        run=run,
        sync=run.sync,
        destination=run.sync.destination(),
        epoch=1,
        action="create",
        phase="posting",
        destination_key=key,
        closed_at=None if age is None else timezone.now() - age,
    )


def test_sweeps_closed_intents_after_a_week_and_open_ones_never(run: SyncRun) -> None:
    closed_intent(run, "OLD", timedelta(days=8))
    closed_intent(run, "YOUNG", timedelta(days=6))
    closed_intent(run, "OPEN", None)

    schedule.sweep()

    assert set(WriteIntent.objects.values_list("destination_key", flat=True)) == {"YOUNG", "OPEN"}


def test_sweeps_ended_runs_after_the_time_that_history_is_kept(
    run: SyncRun, sync: DevinSync, settings: LazySettings
) -> None:
    settings.HISTORY_KEPT = timedelta(days=90)
    for number, age in enumerate((89, 91)):
        SyncRun.objects.create(
            sync=sync,
            org_id=f"org-{number}",
            trigger=Trigger.MANUAL,
            status=Status.SUCCEEDED,
            finished_at=timezone.now() - timedelta(days=age),
        )

    schedule.sweep()

    assert set(SyncRun.objects.values_list("org_id", flat=True)) == {"org-sandbox", "org-0"}


def test_sweeps_no_run_with_an_open_intent(run: SyncRun) -> None:
    closed_intent(run, "OPEN", None)
    SyncRun.objects.update(status=Status.FAILED, finished_at=timezone.now() - timedelta(days=1000))

    schedule.sweep()

    assert WriteIntent.objects.open().exists()
