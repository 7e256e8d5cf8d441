"""A sync whose folder was deleted reads it again once it is restored from the trash.

Its row forgets a folder that goes. So a note in the trash keeps which sync read it, and what that sync said of its
source then: one that was given another source meanwhile is left alone. So it is with whatever else reads folders.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from syncs.models import DevinSync
from syncs.places import ReadsPlace, ReadsPlaceQuerySet
from vault.models import Folder
from vault.signals import folders_leave, folders_return

SOURCE = ("project_id", "source_environment", "source_path")
SYNC = "sync"


def connect() -> None:
    folders_leave.connect(on_folders_leave, dispatch_uid="syncs.editing.returning.leave")
    folders_return.connect(on_folders_return, dispatch_uid="syncs.editing.returning.return")


def on_folders_leave(*, folders: Any, **_: Any) -> list[dict[str, str]]:
    return notes_of(DevinSync.objects.all(), folders, name=SYNC)


def on_folders_return(*, notes: Iterable[Mapping[str, str]], **_: Any) -> None:
    give_back(DevinSync.objects.all(), notes, name=SYNC)


def notes_of(readers: ReadsPlaceQuerySet[Any], folders: Any, *, name: str) -> list[dict[str, str]]:
    """Who reads these folders; `name` is by what a note names a reader."""
    found = readers.filter(folder__in=folders).order_by("pk")
    return [{name: str(reader.pk), "folder": str(reader.folder_id)} | _said(reader) for reader in found]


def give_back(readers: ReadsPlaceQuerySet[Any], notes: Iterable[Mapping[str, str]], *, name: str) -> None:
    by_reader = {note[name]: note for note in notes if name in note}
    folders = Folder.objects.in_bulk({note["folder"] for note in by_reader.values()})
    folder_of = {str(folder.pk): folder for folder in folders.values()}
    for reader in readers.filter(pk__in=by_reader, folder=None).order_by("pk"):
        note = by_reader[str(reader.pk)]
        folder = folder_of.get(note["folder"])
        if folder is not None and note == {**note, **_said(reader)}:
            rows = readers.filter(pk=reader.pk, folder=None)
            rows.update(folder=folder, environment=folder.environment_id)


def _said(reader: ReadsPlace) -> dict[str, str]:
    return {name: str(getattr(reader, name)) for name in SOURCE}
