"""A folder of the vault that gets another place takes what reads it along; here their rows note where to."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from syncs.models import DevinSync
from syncs.places import FEW, ReadsPlaceQuerySet
from vault.signals import folders_moved


def connect() -> None:
    folders_moved.connect(on_folders_moved, dispatch_uid="syncs.editing.followed")


def on_folders_moved(*, folder_ids: Collection[UUID], **_: Any) -> None:
    follow(DevinSync.objects.all(), folder_ids)


def follow(readers: ReadsPlaceQuerySet[Any], folder_ids: Collection[UUID]) -> None:
    """What is kept for the day on which the folder is gone. In the order of their ids, as all who lock many do."""
    ids = sorted(folder_ids)
    for start in range(0, len(ids), FEW):
        for reader in readers.with_source().filter(folder_id__in=ids[start : start + FEW]).order_by("pk"):
            reader.environment = reader.folder.environment
            reader.source_environment, reader.source_path = reader.folder.environment.slug, reader.folder.path
            reader.save(update_fields=["environment", "source_environment", "source_path"])
