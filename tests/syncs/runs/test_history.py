"""What is old goes, a little at a time and in short transactions, and never in the way of a tick."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import cleaning
from syncs.choices import Action, Status, Trigger
from syncs.models import DevinSync, SyncRun, SyncRunChange, WriteIntent
from syncs.runs import history, schedule
from syncs.runs.ask import request_run
from syncs.runs.housekeeping import EVERY, Housekeeping

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
OLD = timedelta(days=1000)


@pytest.fixture
def run(sync: DevinSync, rung: list[str]) -> SyncRun:
    return request_run(sync, trigger=Trigger.MANUAL)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Small chunks, so that a few rows are many chunks."""
    monkeypatch.setattr(history, "CHUNK", 10)
    monkeypatch.setattr(cleaning.delete_some, "__defaults__", (10,))
    monkeypatch.setattr(history, "RUNS_AT_ONCE", 3)
    return 10


def ended(sync: DevinSync, age: timedelta, *, changes: int = 0) -> SyncRun:
    at = timezone.now() - age
    run = SyncRun.objects.create(
        sync=sync, trigger=Trigger.MANUAL, status=Status.SUCCEEDED, queued_at=at, started_at=at, finished_at=at
    )
    rows = [SyncRunChange(run=run, action=Action.CREATE, destination_key=f"K{n}") for n in range(changes)]
    SyncRunChange.objects.bulk_create(rows)
    return run


def intent(run: SyncRun, key: str, age: timedelta | None, change: SyncRunChange | None = None) -> WriteIntent:
    assert run.sync is not None
    return WriteIntent.objects.create(
        run=run,
        sync=run.sync,
        change=change,
        destination=run.sync.destination(),
        epoch=1,
        action="create",
        phase="posting",
        destination_key=key,
        closed_at=None if age is None else timezone.now() - age,
    )


def test_closed_intents_go_after_a_week_and_open_ones_never(run: SyncRun) -> None:
    intent(run, "OLD", timedelta(days=8))
    intent(run, "YOUNG", timedelta(days=6))
    intent(run, "OPEN", None)

    schedule.sweep()

    assert set(WriteIntent.objects.values_list("destination_key", flat=True)) == {"YOUNG", "OPEN"}


def test_ended_runs_go_after_the_time_that_history_is_kept(sync: DevinSync, settings: LazySettings) -> None:
    settings.HISTORY_KEPT = timedelta(days=90)
    young, old = (ended(sync, timedelta(days=days), changes=2) for days in (89, 91))

    schedule.sweep()

    assert list(SyncRun.objects.all()) == [young]
    assert not SyncRunChange.objects.filter(run_id=old.pk).exists()
    assert young.changes.count() == 2


def test_no_run_with_an_open_intent_goes(run: SyncRun) -> None:
    intent(run, "OPEN", None)
    SyncRun.objects.update(status=Status.FAILED, queued_at=timezone.now() - OLD, finished_at=timezone.now() - OLD)

    schedule.sweep()

    assert WriteIntent.objects.open().exists()


def test_no_open_run_goes_however_old(run: SyncRun) -> None:
    SyncRun.objects.update(queued_at=timezone.now() - OLD)

    schedule.sweep()

    assert SyncRun.objects.exists()


def test_a_closed_intent_goes_with_its_old_run(sync: DevinSync, few: int) -> None:
    run = ended(sync, OLD, changes=25)
    for change in run.changes.all():
        intent(run, change.destination_key, timedelta(days=1), change)

    schedule.sweep()

    assert not SyncRun.objects.exists()
    assert not WriteIntent.objects.exists()


def test_goes_in_small_transactions_whose_number_grows_with_the_rows_alone(sync: DevinSync, few: int) -> None:
    for _ in range(7):
        ended(sync, OLD, changes=25)
    rows = [len(deleted) for deleted in rows_deleted_by_step()]

    assert sum(rows) == 7 * 25 + 7
    assert max(rows) <= few


def rows_deleted_by_step() -> Iterator[range]:
    def count() -> int:
        return SyncRun.objects.count() + SyncRunChange.objects.count()

    before = count()
    for _ in cleaning.cleaning():
        yield range(before - count())
        before = count()


def test_a_chunk_takes_few_statements_and_names_few_rows(sync: DevinSync) -> None:
    """However many have expired: no statement has more parameters than a chunk has rows, and a few."""
    ended(sync, OLD, changes=3000)

    with CaptureQueriesContext(connection) as captured:
        assert history.clean_runs()

    assert len(captured) <= 8
    assert SyncRunChange.objects.count() == 3000 - cleaning.CHUNK


# Beside the tick


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> dict[str, cleaning.Cleaner]:
    """The cleaners of one test."""
    cleaners: dict[str, cleaning.Cleaner] = {}
    monkeypatch.setattr(cleaning, "_cleaners", cleaners)
    return cleaners


def failing() -> bool:
    raise OperationalError("too many SQL variables: a value, perhaps")


def test_a_cleaner_that_fails_stops_no_other_and_its_place_is_logged(
    only: dict[str, cleaning.Cleaner], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "close_old_connections", lambda: None)
    cleaned: list[str] = []
    only["bad rows"] = failing

    def clean() -> bool:
        cleaned.append("good")
        return False

    only["good rows"] = clean

    assert list(cleaning.cleaning()) == ["bad rows", "good rows"]
    assert cleaned == ["good"]
    assert "could not clean up bad rows (OperationalError) at" in caplog.text
    assert "test_history.py" in caplog.text
    assert "a value" not in caplog.text


def test_what_failed_is_not_tried_again_at_each_tick(
    only: dict[str, cleaning.Cleaner], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "close_old_connections", lambda: None)
    caplog.set_level(logging.ERROR)
    only["bad rows"] = failing
    now = [0.0]
    housekeeping = Housekeeping(pause=lambda seconds: None, clock=lambda: now[0])

    for second in (0, 1, 2, EVERY - 1, EVERY + 1):
        now[0] = second
        housekeeping.go_on(until=second + 0.5)

    assert len(caplog.records) == 2


def test_much_to_clean_is_spread_over_the_ticks(only: dict[str, cleaning.Cleaner]) -> None:
    """Each chunk takes 100 ms here, and whoever waits to write gets as long; a tick has half a second."""
    now, chunks = [0.0], [0]

    def clean() -> bool:
        now[0] += 0.1
        chunks[0] += 1
        return chunks[0] < 10

    def pause(seconds: float) -> None:
        now[0] += seconds

    only["rows"] = clean
    housekeeping = Housekeeping(pause=pause, clock=lambda: now[0])
    done = []
    for tick in range(6):
        now[0] = float(tick)
        housekeeping.go_on(until=tick + 0.5)
        assert now[0] < tick + 0.65
        done.append(chunks[0])

    assert done == [3, 6, 9, 10, 10, 10]
