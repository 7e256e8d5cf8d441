"""What migrating makes of rows that are there: a person's choices stay as they are."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
BEFORE = [("syncs", "0004_agreed_addresses")]


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


# What people had set, by the name of their sync: the guard, and whether only what was managed goes.
SET = {"usual": (10, False), "gentle": (10, True), "strict": (5, False), "none": (0, True), "wide": (1000, False)}
BECAME = {
    "usual": (25, 30, 3, "delete"),
    "gentle": (25, 30, 3, "leave"),
    "strict": (5, 30, 3, "delete"),
    "none": (0, 30, 3, "leave"),
    "wide": (1000, 30, 3, "delete"),
}


def test_keeps_the_guard_that_a_person_set_and_what_became_of_strangers(bench: Bench) -> None:
    for name in SET:
        DevinSync.objects.create(name=name, project=bench.sync.project, connection=bench.sync.connection, org_id=name)
    # Of all applications: whatever stands on these tables has gone along with them.
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    migrate(BEFORE)
    try:
        change = "UPDATE syncs_devinsync SET guard_max_deletions = %s, only_delete_managed = %s WHERE name = %s"
        with connection.cursor() as cursor:
            cursor.executemany(change, [(guard, only_managed, name) for name, (guard, only_managed) in SET.items()])
    finally:
        migrate(latest)

    fields = ("guard_max_deletions", "guard_max_percent", "guard_min_deletions", "strangers")
    found = DevinSync.objects.filter(name__in=SET).values_list("name", *fields)
    assert {name: values for name, *values in found} == {name: list(values) for name, values in BECAME.items()}


def run_of(sync: DevinSync, minutes: int, **given: object) -> SyncRun:
    """Queued so many minutes after the first of January, by the schedule unless told otherwise."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    facts = {"trigger": Trigger.SCHEDULE, "status": Status.SUCCEEDED, "kept_count": 2} | given
    return SyncRun.objects.create(sync=sync, sync_name=sync.name, queued_at=at, finished_at=at, **facts)


def test_scheduled_runs_that_changed_nothing_count_and_go(
    bench: Bench, other: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapsing = import_module("syncs.migrations.0012_collapse_runs_that_changed_nothing")
    monkeypatch.setattr(collapsing, "CHUNK", 3)
    first = run_of(bench.sync, 0, trigger=Trigger.WIZARD, created_count=2)
    gone = [run_of(bench.sync, minutes) for minutes in range(1, 9)]
    failed = run_of(bench.sync, 10, status=Status.FAILED)
    back = run_of(bench.sync, 11)
    stay = [
        run_of(bench.sync, 12, trigger=Trigger.MANUAL),
        run_of(bench.sync, 13, trigger_count=2),
        run_of(bench.sync, 14, drifted_count=1, replaced_count=1),
        with_change := run_of(bench.sync, 15),
    ]
    with_change.changes.create(action="delete", destination_key="THEIRS", outcome="held")
    last = run_of(bench.sync, 16)
    DevinSync.objects.filter(pk=bench.sync.pk).update(last_sync_run_id=last.pk)
    # Two syncs' runs of one moment, as the scheduler makes them.
    theirs = [run_of(other.sync, minutes) for minutes in range(5)]

    collapsing.collapse(apps, connection.schema_editor())

    kept = {run.pk for run in (first, failed, back, *stay, last, theirs[0])}
    assert set(SyncRun.objects.values_list("pk", flat=True)) == kept
    counts = dict(DevinSync.objects.values_list("pk", "compared_count"))
    assert counts == {bench.sync.pk: len(gone), other.sync.pk: 4}
