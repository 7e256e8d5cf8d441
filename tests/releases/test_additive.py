"""Old and new processes work on one database during an upgrade: what a release migrates leaves the old ones whole."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Now

from devinsync_site.backups.file import Reader
from tests.releases.additive import faults
from tests.releases.environment import kept_versions

OURS = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}


def test_what_the_next_release_migrates_leaves_the_last_one_working() -> None:
    released = set(Reader(kept_versions()[-1] / "backup.gz").header().migrations)
    loader = MigrationLoader(None)
    known = loader.project_state([node for node in loader.graph.nodes if node in released])
    plan = {node: loader.disk_migrations[node] for node in loader.disk_migrations if node not in released}

    wrong = [
        fault
        for node, migration in plan.items()
        if node[0] in OURS and not getattr(migration, "why_not_additive", "")
        for fault in faults(migration, loader.project_state(node, at_end=False), known=known)
    ]

    assert ("syncs", "devinsync") in known.models
    assert wrong == []


BEFORE = ProjectState()
BEFORE.add_model(
    ModelState(
        "shop",
        "Row",
        [
            ("id", models.AutoField(primary_key=True)),
            ("name", models.CharField(max_length=20, verbose_name="name")),
            ("note", models.TextField(null=True)),
            ("size", models.IntegerField()),
        ],
    )
)
LEFT_WHOLE: dict[str, Any] = {
    "a table": migrations.CreateModel("Other", [("id", models.AutoField(primary_key=True))]),
    "an index": migrations.AddIndex("Row", models.Index(fields=["name"], name="row_name")),
    "a column that may be null": migrations.AddField("Row", "more", models.TextField(null=True)),
    "a column that the database fills": migrations.AddField("Row", "at", models.DateTimeField(db_default=Now())),
    "a relation": migrations.AddField("Row", "others", models.ManyToManyField("self")),
    "a longer text": migrations.AlterField("Row", "name", models.CharField(max_length=40)),
    "other words": migrations.AlterField("Row", "name", models.CharField(max_length=20, help_text="Who it is")),
    "a column that may now be null": migrations.AlterField("Row", "size", models.IntegerField(null=True)),
    "an order": migrations.AlterModelOptions("Row", {"ordering": ["name"]}),
    "a state alone": migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("Row", "note")]),
}
BROKEN: dict[str, Any] = {
    "a column that goes": migrations.RemoveField("Row", "note"),
    "a table that goes": migrations.DeleteModel("Row"),
    "a column of another name": migrations.RenameField("Row", "note", "remark"),
    "a table of another name": migrations.RenameModel("Row", "Line"),
    "a table's other place": migrations.AlterModelTable("Row", "rows"),
    "a column that old code leaves out": migrations.AddField("Row", "more", models.TextField(default="")),
    "a column that may not be null any more": migrations.AlterField("Row", "note", models.TextField(default="")),
    "a shorter text": migrations.AlterField("Row", "name", models.CharField(max_length=10)),
    "another kind": migrations.AlterField("Row", "size", models.CharField(max_length=20)),
    "a value once": migrations.AlterField("Row", "size", models.IntegerField(unique=True)),
    "a rule": migrations.AddConstraint("Row", models.UniqueConstraint(fields=["name"], name="once")),
    "statements": migrations.RunSQL("SELECT 1"),
    "code": migrations.RunPython(migrations.RunPython.noop),
    "what is hidden from the state": migrations.SeparateDatabaseAndState([migrations.RemoveField("Row", "note")]),
}


def faults_of(operation: Any) -> list[str]:
    migration = type("Next", (migrations.Migration,), {"operations": [operation]})("0002_next", "shop")
    return list(faults(migration, BEFORE, known=BEFORE))


@pytest.mark.parametrize("operation", LEFT_WHOLE.values(), ids=LEFT_WHOLE)
def test_old_code_goes_on_beside(operation: Any) -> None:
    assert faults_of(operation) == []


@pytest.mark.parametrize("operation", BROKEN.values(), ids=BROKEN)
def test_old_code_would_trip_over(operation: Any) -> None:
    [fault] = faults_of(operation)

    assert fault.startswith("shop.0002_next: ")


@pytest.mark.parametrize("operation", [each for each in BROKEN.values() if hasattr(each, "model_name")])
def test_old_code_does_not_notice_what_becomes_of_a_newer_model(operation: Any) -> None:
    migration = type("Next", (migrations.Migration,), {"operations": [operation]})("0002_next", "shop")

    assert list(faults(migration, BEFORE, known=ProjectState())) == []
