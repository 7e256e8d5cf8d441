"""Who changes what a sync reads: whoever does may not approve the plan that comes of it, whatever the change is.

Noted in the transaction of the change, where syncs ask for another person: of values, comments and tags, of imports and
references that lead there, of folders that come, go and move; whether a run follows by itself or not.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from common import clock
from syncs.models import SourceAuthor

FEW = 500


def note_author(sync_ids: Iterable[UUID], user: Any) -> None:
    """Of a person; what nobody is known to have done has no author."""
    if user is not None and user.is_authenticated:
        note_authors(sync_ids, [user.pk])


def note_authors(sync_ids: Iterable[UUID], user_ids: Collection[int]) -> None:
    now = clock.now()
    rows = [SourceAuthor(sync_id=sync_id, user_id=user_id, at=now) for sync_id in sync_ids for user_id in user_ids]
    SourceAuthor.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["sync", "user"], update_fields=["at"], batch_size=FEW
    )
