"""A folder of the vault that gets another place takes the sets that read it along; one that returns from the trash is
read by them again."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from fleets.models import SyncSet
from syncs.editing.followed import follow
from syncs.editing.returning import give_back, notes_of
from vault.signals import folders_leave, folders_moved, folders_return

SYNC_SET = "sync_set"


def connect() -> None:
    folders_moved.connect(on_folders_moved, dispatch_uid="fleets.followed.move")
    folders_leave.connect(on_folders_leave, dispatch_uid="fleets.followed.leave")
    folders_return.connect(on_folders_return, dispatch_uid="fleets.followed.return")


def on_folders_moved(*, folder_ids: Collection[UUID], **_: Any) -> None:
    follow(SyncSet.objects.all(), folder_ids)


def on_folders_leave(*, folders: Any, **_: Any) -> list[dict[str, str]]:
    return notes_of(SyncSet.objects.all(), folders, name=SYNC_SET)


def on_folders_return(*, notes: Iterable[Mapping[str, str]], **_: Any) -> None:
    give_back(SyncSet.objects.all(), notes, name=SYNC_SET)
