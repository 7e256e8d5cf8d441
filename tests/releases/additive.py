"""Whether the code of the release before can go on beside a migration: on what it does not know of, it stands still.

A migration that has to do otherwise says why, by `why_not_additive = "…"` in its class, and what an operator must do
stands in CHANGELOG.md.
"""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

# They add what old code does not ask for, or change nothing in the database.
HARMLESS = (
    operations.CreateModel,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
)
# Of a field: what no column and no row knows of.
IN_PYTHON_ALONE = frozenset(
    {
        "blank",
        "choices",
        "default",
        "editable",
        "error_messages",
        "help_text",
        "limit_choices_to",
        "on_delete",
        "related_name",
        "related_query_name",
        "serialize",
        "validators",
        "verbose_name",
    }
)


def faults(migration: Migration, before: ProjectState, *, known: ProjectState) -> Iterator[str]:
    """What old code would trip over, an operation each. `before` is the state that the migration starts from, `known`
    the one of old code: what becomes of a model that is newer, it does not notice."""
    state = before.clone()
    for operation in migration.operations:
        if _is_of_a_newer_model(operation, migration.app_label, known):
            operation.state_forwards(migration.app_label, state)
            continue
        for fault in _of(operation, state, migration.app_label):
            yield f"{migration.app_label}.{migration.name}: {operation.describe()}: {fault}"
        operation.state_forwards(migration.app_label, state)


def _is_of_a_newer_model(operation: Operation, app: str, known: ProjectState) -> bool:
    name = getattr(operation, "model_name_lower", None) or getattr(operation, "model_name", None)
    return bool(name) and (app, str(name).lower()) not in known.models


def _of(operation: Operation, state: ProjectState, app: str) -> Iterator[str]:
    if isinstance(operation, operations.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from _of(inner, state, app)
    elif isinstance(operation, operations.AddField):
        yield from _of_new_column(operation.field)
    elif isinstance(operation, operations.AlterField):
        old = state.models[app, operation.model_name_lower].fields[operation.name]
        yield from _of_other_column(old, operation.field)
    elif not isinstance(operation, HARMLESS):
        yield "old code may still use, write or rely on what this changes"


def _of_new_column(field: "models.Field[Any, Any]") -> Iterator[str]:
    if isinstance(field, models.ManyToManyField) or field.null or field.db_default is not NOT_PROVIDED:
        return
    yield "old code writes rows without it: let it be null, or give it a db_default"


def _of_other_column(old: "models.Field[Any, Any]", new: "models.Field[Any, Any]") -> Iterator[str]:
    """Longer texts and nulls are fine: what old code writes still fits."""
    (_, old_kind, _, was), (_, new_kind, _, will) = old.deconstruct(), new.deconstruct()
    changed = {name for name in was.keys() | will.keys() if was.get(name) != will.get(name)} - IN_PYTHON_ALONE
    if will.get("null"):
        changed.discard("null")
    if (will.get("max_length") or 0) >= (was.get("max_length") or 0):
        changed.discard("max_length")
    if old_kind != new_kind or changed:
        yield f"old code may write what does not fit ({', '.join(sorted(changed)) or 'another kind of field'})"
