"""A folder of the vault that gets another place takes the syncs that read it along; here their rows note where to."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from syncs.models import DevinSync
from vault.signals import folders_moved

FEW = 500


def connect() -> None:
    folders_moved.connect(on_folders_moved, dispatch_uid="syncs.editing.followed")


def on_folders_moved(*, folder_ids: Collection[UUID], **_: Any) -> None:
    """What is kept for the day on which the folder is gone. In the order of their ids, as all who lock many do."""
    ids = sorted(folder_ids)
    for start in range(0, len(ids), FEW):
        rows = DevinSync.objects.with_source().filter(folder_id__in=ids[start : start + FEW]).order_by("pk")
        for sync in rows:
            if sync.folder is not None:
                sync.environment = sync.folder.environment
                sync.source_environment, sync.source_path = sync.folder.environment.slug, sync.folder.path
                sync.save(update_fields=["environment", "source_environment", "source_path"])
