"""What starts runs by itself: one pending run a sync, whatever changes and however often; none is lost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs import jobs, schedule, triggers
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import (
    Actor,
    add_import,
    create_environment,
    create_folder,
    delete_folder,
    delete_import,
    delete_secret,
    rename_folder,
    set_secret,
    set_secrets,
)
from vault.models import Environment, Folder

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def environment(folder: Folder) -> Environment:
    return folder.environment


@pytest.fixture
def elsewhere(environment: Environment, sync: DevinSync) -> Folder:
    """A folder that the sync does not read."""
    return create_folder(environment, "/elsewhere", by=ANYBODY)


def triggered(sync: DevinSync) -> int:
    """The triggers that its pending run answers; 0 without one."""
    runs = list(SyncRun.objects.pending().filter(sync=sync))
    assert len(runs) <= 1
    return runs[0].trigger_count if runs else 0


# What reaches a sync


def test_a_change_of_the_folder_makes_a_pending_run(sync: DevinSync, folder: Folder) -> None:
    user = User.objects.create_user("ada")

    set_secret(folder, "A", "1", by=Actor.on_command_line(user))

    run = SyncRun.objects.get()
    assert (run.sync, run.status, run.trigger) == (sync, Status.PENDING, Trigger.CHANGE)
    assert run.requested_by == user


def test_many_secrets_in_one_change_are_one_trigger(sync: DevinSync, folder: Folder) -> None:
    set_secrets(folder, {f"K{number}": "1" for number in range(20)}, by=ANYBODY)

    assert triggered(sync) == 1


def test_an_unchanged_value_is_no_change(sync: DevinSync, folder: Folder) -> None:
    set_secret(folder, "A", "1", by=ANYBODY)
    set_secret(folder, "A", "1", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_change_elsewhere_is_none_of_its_business(sync: DevinSync, elsewhere: Folder) -> None:
    set_secret(elsewhere, "A", "1", by=ANYBODY)

    assert triggered(sync) == 0


def test_a_deletion_counts(sync: DevinSync, folder: Folder) -> None:
    secret = set_secret(folder, "A", "1", by=ANYBODY)
    SyncRun.objects.all().delete()

    delete_secret(secret, by=ANYBODY)

    assert triggered(sync) == 1


def test_a_change_comes_through_an_import(sync: DevinSync, folder: Folder, elsewhere: Folder) -> None:
    add_import(folder, elsewhere, by=ANYBODY)
    before = triggered(sync)

    set_secret(elsewhere, "A", "1", by=ANYBODY)

    assert (before, triggered(sync)) == (1, 2)


def test_and_no_more_once_the_import_is_gone(sync: DevinSync, folder: Folder, elsewhere: Folder) -> None:
    delete_import(add_import(folder, elsewhere, by=ANYBODY), by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(elsewhere, "A", "1", by=ANYBODY)

    assert triggered(sync) == 0


def test_a_change_comes_through_a_reference(sync: DevinSync, folder: Folder, elsewhere: Folder) -> None:
    set_secret(folder, "URL", "https://${dev.elsewhere.HOST}/", by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(elsewhere, "HOST", "example.com", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_change_of_another_key_does_not(sync: DevinSync, folder: Folder, elsewhere: Folder) -> None:
    set_secret(folder, "URL", "https://${dev.elsewhere.HOST}/", by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(elsewhere, "OTHER", "1", by=ANYBODY)

    assert triggered(sync) == 0


def test_a_change_comes_over_two_levels(
    sync: DevinSync, folder: Folder, elsewhere: Folder, environment: Environment
) -> None:
    far = create_folder(environment, "/far", by=ANYBODY)
    set_secret(far, "HOST", "one", by=ANYBODY)
    set_secret(elsewhere, "URL", "https://${dev.far.HOST}/", by=ANYBODY)
    add_import(folder, elsewhere, by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(far, "HOST", "two", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_change_comes_from_another_environment(sync: DevinSync, folder: Folder, environment: Environment) -> None:
    prod = create_environment(environment.project, name="Production", slug="prod", by=ANYBODY)
    set_secret(folder, "HOST", "${prod.HOST}", by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(Folder.objects.get(environment=prod, path="/"), "HOST", "1", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_recursive_sync_hears_of_folders_below(sync: DevinSync, folder: Folder, environment: Environment) -> None:
    DevinSync.objects.update(recursive=True)
    below = create_folder(environment, "/my-secrets/deep/down", by=ANYBODY)
    beside = create_folder(environment, "/my-secrets-too", by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(beside, "A", "1", by=ANYBODY)
    assert triggered(sync) == 0
    set_secret(below, "A", "1", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_recursive_sync_of_the_root_hears_of_everything(
    sync: DevinSync, elsewhere: Folder, environment: Environment
) -> None:
    sync.folder, sync.recursive = Folder.objects.get(environment=environment, path="/"), True
    sync.save()

    set_secret(elsewhere, "A", "1", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_sync_of_one_folder_does_not_hear_of_those_below(
    sync: DevinSync, folder: Folder, environment: Environment
) -> None:
    below = create_folder(environment, "/my-secrets/below", by=ANYBODY)

    set_secret(below, "A", "1", by=ANYBODY)

    assert triggered(sync) == 0


def test_a_recursive_sync_hears_of_a_folder_that_is_deleted(
    sync: DevinSync, folder: Folder, environment: Environment
) -> None:
    DevinSync.objects.update(recursive=True)
    below = create_folder(environment, "/my-secrets/below", by=ANYBODY)
    set_secret(below, "A", "1", by=ANYBODY)
    SyncRun.objects.all().delete()

    delete_folder(below, by=ANYBODY)

    assert triggered(sync) == 1


def test_each_sync_that_reads_the_folder_runs(sync: DevinSync, folder: Folder) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)

    set_secret(folder, "A", "1", by=ANYBODY)

    assert (triggered(sync), triggered(second)) == (1, 1)


def test_a_renamed_folder_is_still_the_source(sync: DevinSync, folder: Folder) -> None:
    rename_folder(folder, "renamed", by=ANYBODY)
    SyncRun.objects.all().delete()

    set_secret(folder, "A", "1", by=ANYBODY)

    assert triggered(sync) == 1
    sync.refresh_from_db()
    assert sync.source_label == "dev:/renamed"


@pytest.mark.parametrize("off", [{"is_enabled": False}, {"auto_sync_enabled": False}])
def test_a_sync_that_is_off_hears_of_nothing(sync: DevinSync, folder: Folder, off: dict[str, bool]) -> None:
    DevinSync.objects.update(**off)

    set_secret(folder, "A", "1", by=ANYBODY)

    assert triggered(sync) == 0


def test_a_paused_site_still_takes_triggers_down(sync: DevinSync, folder: Folder) -> None:
    SyncControl.get()
    SyncControl.objects.update(is_paused=True)

    set_secret(folder, "A", "1", by=ANYBODY)

    assert triggered(sync) == 1


def test_a_change_that_is_rolled_back_triggers_nothing(sync: DevinSync, folder: Folder) -> None:
    with transaction.atomic():
        set_secret(folder, "A", "1", by=ANYBODY)
        transaction.set_rollback(True)

    assert triggered(sync) == 0


@pytest.mark.parametrize(
    ("options", "runs"), [({}, 1), ({"auto_sync_enabled": False}, 0), ({"is_enabled": False}, 0), ({"folder": None}, 0)]
)
def test_an_edited_auto_sync_runs(sync: DevinSync, options: dict[str, object], runs: int) -> None:
    for name, value in options.items():
        setattr(sync, name, value)
    sync.save()

    triggers.after_edit(sync, user=None)

    assert SyncRun.objects.filter(trigger=Trigger.EDIT).count() == runs


# Many, and a queue that forgets


@dataclass
class Stage:
    """A clock of its own, a queue that can be emptied, and one worker that takes what is due."""

    bench: Bench
    now: datetime
    queue: list[str] = field(default_factory=list)

    def ring(self, run_id: object, project_id: object = None) -> bool:
        self.queue.append(str(run_id))
        SyncRun.objects.filter(pk=str(run_id)).update(rung_at=self.now)
        return True

    def work(self) -> None:
        """What a worker does with the next job."""
        if self.queue:
            jobs.run_sync(self.queue.pop(0))

    def pass_time(self, **much: float) -> None:
        self.now += timedelta(**much)

    def finish(self) -> None:
        """The scheduler's ticks and a worker until nothing waits, as over the next minutes."""
        for _ in range(20):
            self.pass_time(seconds=20)
            schedule.tick()
            while self.queue:
                self.work()
        assert not SyncRun.objects.exclude(status=Status.SUCCEEDED).exists()


@pytest.fixture
def stage(bench: Bench, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[Stage]:
    settings.SYNC_QUIET_TIME, settings.SYNC_LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=30)
    settings.SYNC_RING_AGAIN = timedelta(seconds=15)
    DevinSync.objects.update(reconcile_minutes=0)
    bench.sync.refresh_from_db()
    stage = Stage(bench, timezone.now())
    with acting(stage, monkeypatch):
        yield stage


@contextmanager
def acting(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(timezone, "now", lambda: stage.now)
    for module in ("syncs.runs.ask", "syncs.runs.jobs", "syncs.runs.schedule"):
        monkeypatch.setattr(f"{module}.ring", stage.ring)
    yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.torture)])
def test_a_storm_of_triggers_is_at_most_three_runs(stage: Stage, organization: SandboxOrganization, count: int) -> None:
    for number in range(count):
        if number % 50 == 0:
            set_secret(stage.bench.folder, "A", str(number), by=ANYBODY)
        request_run(stage.bench.sync, trigger=Trigger.API)
        stage.pass_time(milliseconds=1)
        stage.work()
    set_secret(stage.bench.folder, "A", "last", by=ANYBODY)
    stage.finish()

    assert SyncRun.objects.count() <= 3
    assert organization.values() == {"A": "last"}
    triggers_taken = sum(SyncRun.objects.values_list("trigger_count", flat=True))
    assert triggers_taken == count + -(-count // 50) + 1


@pytest.mark.django_db(transaction=True)
def test_a_steady_stream_of_changes_does_not_put_a_run_off_for_ever(
    stage: Stage, organization: SandboxOrganization
) -> None:
    for number in range(45):
        set_secret(stage.bench.folder, "A", str(number), by=ANYBODY)
        stage.pass_time(seconds=0.8)
        schedule.tick()
        stage.work()

    assert SyncRun.objects.filter(status=Status.SUCCEEDED).count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_a_queue_emptied_at_random_moments_loses_no_change(
    stage: Stage, organization: SandboxOrganization, seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(25):
        set_secret(stage.bench.folder, chance.choice("ABC"), str(number), by=ANYBODY)
        if chance.random() < 0.5:
            stage.work()
        stage.queue.clear()
        stage.pass_time(seconds=chance.choice([0.1, 1, 10, 40]))
        if chance.random() < 0.3:
            schedule.tick()
    stage.finish()

    stored = set(stage.bench.folder.secrets.values_list("key", flat=True))
    assert stored == set(organization.values())
    assert stage.bench.run().kept_count == len(stored)


@pytest.mark.django_db(transaction=True)
def test_a_change_during_a_run_is_one_more_run(
    stage: Stage, organization: SandboxOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = jobs.attempt

    def change_meanwhile(*args: object) -> None:
        monkeypatch.setattr(jobs, "attempt", attempt)
        for number in range(10):
            set_secret(stage.bench.folder, "A", f"meanwhile {number}", by=ANYBODY)
        attempt(*args)  # type: ignore[arg-type]

    set_secret(stage.bench.folder, "A", "1", by=ANYBODY)
    monkeypatch.setattr(jobs, "attempt", change_meanwhile)
    stage.work()
    stage.finish()

    assert SyncRun.objects.count() == 2
    assert organization.values() == {"A": "meanwhile 9"}
