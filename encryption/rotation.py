"""Rotation: every token that an older key sealed is sealed again under the newest.

Restartable at any row: what is done is told from what is not by the tokens themselves. A row that somebody changes
meanwhile is left to them, because their change is sealed under the newest key anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Model

from encryption.errors import DecryptionError
from encryption.registry import SealedField
from encryption.sealing import current_key_id, seal, unseal

BATCH = 200


@dataclass
class Count:
    """What rotation did to one field."""

    resealed: int = 0
    current: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return f"{self.resealed} sealed again, {self.current} already current, {self.unreadable} unreadable"


def rotate(field: SealedField) -> Count:
    """Seal again what an older key sealed. Unreadable rows are counted and left as they are."""
    count = Count(current=field.rows().filter(key_id=current_key_id()).count())
    for row in _older(field):
        try:
            count.resealed += _reseal(field, row)
        except DecryptionError:
            count.unreadable += 1
    return count


def _reseal(field: SealedField, row: Model) -> int:
    """One row, by comparing and swapping; 0 if it was changed meanwhile."""
    context = field.context(row)
    token: str = getattr(row, field.name)
    fresh = seal(unseal(token, context=context), context=context)
    return field.model._base_manager.filter(pk=row.pk, **{field.name: token}).update(**{field.name: fresh})


def _older(field: SealedField) -> Iterator[Model]:
    """The rows of older keys, in batches by primary key, so that writing does not disturb the reading."""
    rows = field.rows().exclude(key_id=current_key_id()).order_by("pk")
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])
