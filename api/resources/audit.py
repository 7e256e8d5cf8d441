"""Writes what the API did into the same log as the admin's: who, what, through which token. Never a value."""

from collections.abc import Sequence

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from api.auth.callers import Caller


def note_added(caller: Caller, *rows: Model, detail: str = "Added") -> None:
    _note(caller, rows, ADDITION, detail)


def note_changed(caller: Caller, *rows: Model, detail: str = "Changed") -> None:
    _note(caller, rows, CHANGE, detail)


def note_deleted(caller: Caller, *rows: Model, detail: str = "Deleted") -> None:
    """To be called while the rows still have their ids."""
    _note(caller, rows, DELETION, detail)


def _note(caller: Caller, rows: Sequence[Model], flag: int, detail: str) -> None:
    LogEntry.objects.bulk_create(
        LogEntry(
            user=caller.user,
            content_type_id=ContentType.objects.get_for_model(row, for_concrete_model=False).pk,
            object_id=str(row.pk),
            object_repr=str(row)[:200],
            action_flag=flag,
            change_message=f"{detail} through the API with {caller.name}.",
        )
        for row in rows
    )
