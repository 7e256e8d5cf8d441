"""A sync whose folder was deleted reads it again once it is restored from the trash.

Its row forgets a folder that goes. So a note in the trash keeps which sync read it, and what that sync said of its
source then: one that was given another source meanwhile is left alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from syncs.models import DevinSync
from vault.models import Folder
from vault.signals import folders_leave, folders_return

SOURCE = ("project_id", "source_environment", "source_path")


def connect() -> None:
    folders_leave.connect(on_folders_leave, dispatch_uid="syncs.editing.returning.leave")
    folders_return.connect(on_folders_return, dispatch_uid="syncs.editing.returning.return")


def on_folders_leave(*, folders: Any, **_: Any) -> list[dict[str, str]]:
    syncs = DevinSync.objects.filter(folder__in=folders).order_by("pk")
    return [{"sync": str(sync.pk), "folder": str(sync.folder_id)} | _said(sync) for sync in syncs]


def on_folders_return(*, notes: Iterable[Mapping[str, str]], **_: Any) -> None:
    by_sync = {note["sync"]: note for note in notes if "sync" in note}
    folders = Folder.objects.in_bulk({note["folder"] for note in by_sync.values()})
    folder_of = {str(folder.pk): folder for folder in folders.values()}
    for sync in DevinSync.objects.filter(pk__in=by_sync, folder=None).order_by("pk"):
        note = by_sync[str(sync.pk)]
        folder = folder_of.get(note["folder"])
        if folder is not None and note == {**note, **_said(sync)}:
            rows = DevinSync.objects.filter(pk=sync.pk, folder=None)
            rows.update(folder=folder, environment=folder.environment_id)


def _said(sync: DevinSync) -> dict[str, str]:
    return {name: str(getattr(sync, name)) for name in SOURCE}
