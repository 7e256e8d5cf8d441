"""Where another sync would run, one whose changes go out in waves asks for its turn: exactly if the change is."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from syncs.choices import AsksForWave, Status, Trigger
from syncs.editing import Actor, change_sync
from syncs.errors import SyncError
from syncs.models import DevinSync, SyncRun
from syncs.runs import end, waves
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.claim import claim
from syncs.runs.wishes import Wishes
from tests.actors import ANYBODY
from vault.editing import Actor as Writer
from vault.editing import set_secret
from vault.models import Folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]
Told = list[tuple[list[UUID], Any]]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the conductor was told, and for whom."""
    told: Told = []

    def conduct(sync_ids: Collection[UUID], *, user: Any = None) -> None:
        assert not transaction.get_connection().in_atomic_block
        told.append((list(sync_ids), user))

    monkeypatch.setattr(waves, "_conductor", [conduct])
    return told


@pytest.fixture
def waving(sync: DevinSync) -> DevinSync:
    sync.goes_in_waves = True
    sync.save()
    return sync


def asks(sync: DevinSync) -> str:
    sync.refresh_from_db()
    return sync.asks_for_wave


def test_a_change_asks_for_a_turn_and_makes_no_run(waving: DevinSync, folder: Folder, told: Told) -> None:
    user = User.objects.create_user("ada")

    set_secret(folder, "A", "1", by=Writer.on_command_line(user))

    assert (asks(waving), SyncRun.objects.count()) == (AsksForWave.CHANGE, 0)
    assert told == [([waving.pk], user)]


def test_exactly_if_the_change_is_made(waving: DevinSync, folder: Folder, told: Told) -> None:
    with transaction.atomic():
        set_secret(folder, "A", "1", by=ANYBODY)
        transaction.set_rollback(True)

    assert (asks(waving), told) == ("", [])


def test_one_that_does_not_runs_beside_it(waving: DevinSync, folder: Folder) -> None:
    other = DevinSync.objects.create(
        name="other", project=waving.project, folder=folder, connection=waving.connection, org_id="org-other"
    )

    set_secret(folder, "A", "1", by=ANYBODY)

    run = SyncRun.objects.get()
    assert (run.sync, run.trigger, run.is_released) == (other, Trigger.CHANGE, False)
    assert (asks(waving), asks(other)) == (AsksForWave.CHANGE, "")


@pytest.mark.parametrize(
    ("fields", "asked"), [({"send_comments": True}, True), ({"auto_sync_enabled": False}, False)], ids=str
)
def test_an_edit_asks_for_a_turn_if_a_run_would_follow(waving: DevinSync, fields: dict[str, Any], asked: bool) -> None:
    edited = change_sync(waving.pk, fields, by=Actor.on_command_line())

    assert (edited.run, asks(waving)) == (None, AsksForWave.CHANGE if asked else "")


def test_a_change_takes_back_the_turn_of_what_waits_and_of_what_runs(waving: DevinSync, folder: Folder) -> None:
    running = request_run(waving, trigger=Trigger.ROLLOUT)
    assert claim(running.pk)
    waiting = request_run(waving, trigger=Trigger.MANUAL)

    set_secret(folder, "A", "1", by=ANYBODY)

    assert set(SyncRun.objects.values_list("pk", "is_released")) == {(running.pk, False), (waiting.pk, False)}
    request_run(waving, trigger=Trigger.MANUAL)
    waiting.refresh_from_db()
    assert waiting.is_released, "whoever asks after the change means it"


@pytest.mark.parametrize("first", [Trigger.SCHEDULE, Trigger.CHANGE])
def test_a_turn_releases_the_run_that_waits_already(waving: DevinSync, first: Trigger) -> None:
    run = request_run(waving, trigger=first)
    assert not run.is_released

    request_runs([waving.pk], trigger=Trigger.ROLLOUT)

    run.refresh_from_db()
    assert (run.is_released, run.trigger_count) == (True, 2)


def test_what_is_not_known_to_have_changed_is_looked_at_without_a_turn(waving: DevinSync) -> None:
    request_runs([waving.pk], trigger=Trigger.CHANGE, is_quiet=True)

    run = SyncRun.objects.get()
    assert (run.is_quiet, run.is_released, asks(waving)) == (True, False, "")


def test_a_run_that_finds_a_change_does_not_hide_that_one_is_known(waving: DevinSync) -> None:
    for why in (AsksForWave.HELD, AsksForWave.CHANGE, AsksForWave.HELD):
        with transaction.atomic():
            waves.ask([waving.pk], why=why)

    assert asks(waving) == AsksForWave.CHANGE


def test_whoever_stands_in_for_a_run_has_its_turn(waving: DevinSync) -> None:
    run = request_run(waving, trigger=Trigger.ROLLOUT)
    claimed = claim(run.pk)
    assert claimed is not None
    later = request_run(waving, trigger=Trigger.CHANGE)

    end.retry_or_fail(claimed[0], SyncError("Devin is away.", retryable=True))

    later.refresh_from_db()
    assert (later.is_released, later.status) == (True, Status.PENDING)
    assert Wishes.of(later).said() == {"is_released": True}


def test_the_conductor_hears_of_each_end(waving: DevinSync, told: Told) -> None:
    run = request_run(waving, trigger=Trigger.ROLLOUT)

    assert end.cancel(run.pk, "Not today.")

    assert told == [([waving.pk], None)]


def test_nobody_hears_of_the_end_of_others(sync: DevinSync, told: Told) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)

    assert end.cancel(run.pk, "Not today.")

    assert told == []
