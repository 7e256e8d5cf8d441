"""A folder of the vault that gets another place takes the sets that read it along."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from fleets.models import SyncSet
from vault.signals import folders_moved

FEW = 500


def connect() -> None:
    folders_moved.connect(on_folders_moved, dispatch_uid="fleets.followed")


def on_folders_moved(*, folder_ids: Collection[UUID], **_: Any) -> None:
    """In the order of their ids, as all who lock many do."""
    ids = sorted(folder_ids)
    for start in range(0, len(ids), FEW):
        rows = SyncSet.objects.with_source().filter(folder_id__in=ids[start : start + FEW]).order_by("pk")
        for each in rows:
            if each.folder is not None:
                each.environment = each.folder.environment
                each.source_environment, each.source_path = each.folder.environment.slug, each.folder.path
                each.save(update_fields=["environment", "source_environment", "source_path"])
