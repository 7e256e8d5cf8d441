"""Where deleted rows wait: they are copied out of the vault's tables as they stand, and can be put back the same.

A deleted secret is in no table that anything reads, so nothing has to know of it. What was sealed is not opened: each
row keeps what its value was bound to, and is sealed again only where its place has another name when it comes back. An
entry is sealed with a sum of its rows, as a folder is with what it holds.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from common.cleaning import CHUNK, delete_some, register_cleaner
from encryption import DecryptionError, seal, unseal
from encryption.registry import SealedField, sealed_fields
from vault.errors import Unreadable
from vault.models import (
    Environment,
    Folder,
    Secret,
    SecretImport,
    SecretMetadata,
    SecretReference,
    SecretVersion,
    TrashedRow,
    TrashEntry,
)

FEW = 500
MODULUS = 1 << 256
OF_SECRETS: tuple[type[Model], ...] = (Secret.tags.through, SecretVersion, SecretMetadata, SecretReference)
# Each after those that it points to.
TABLES: tuple[type[Model], ...] = (Environment, Folder, Secret, *OF_SECRETS, SecretImport)
# What others noted of readers whose folder went.
NOTES = "notes"


def register() -> None:
    register_cleaner("the trash", clean_trash)


def is_on() -> bool:
    return bool(settings.TRASH_KEPT.total_seconds() > 0)


def in_trash() -> "QuerySet[TrashEntry]":
    """What can be restored."""
    return TrashEntry.objects.filter(is_going=False, deleted_at__gt=_end_of_time())


def clean_trash() -> bool:
    """Rows first; an entry that has begun to go is not offered any more."""
    over = TrashEntry.objects.filter(Q(deleted_at__lte=_end_of_time()) | Q(is_going=True)).order_by("pk")
    ids = list(over.values_list("pk", flat=True)[:CHUNK])
    TrashEntry.objects.filter(pk__in=ids, is_going=False).update(is_going=True)
    if delete_some(TrashedRow.objects.filter(entry__in=ids).order_by("pk")):
        return True
    TrashEntry.objects.filter(pk__in=ids).delete()
    return len(ids) == CHUNK


def _end_of_time() -> datetime:
    return timezone.now() - settings.TRASH_KEPT


class Bin:
    """Takes copies of what one deletion is about to delete; `close` seals them."""

    def __init__(self, entries: Sequence[TrashEntry]) -> None:
        self._entries = entries
        self._sums: dict[UUID, int] = defaultdict(int)
        TrashEntry.objects.bulk_create(entries, batch_size=FEW)

    def keep(self, rows: "QuerySet[Any]", entry_of: Callable[[Any], TrashEntry]) -> None:
        """Some at a time."""
        sealed = sealed_field(rows.model)
        ordered = rows.order_by("pk")
        if sealed is not None and sealed.beside:
            ordered = ordered.select_related(sealed.beside)
        batch = list(ordered[:FEW])
        while batch:
            self._write([_as_trashed(row, entry_of(row), sealed) for row in batch])
            batch = list(ordered.filter(pk__gt=batch[-1].pk)[:FEW])

    def note(self, entry: TrashEntry, notes: Iterable[dict[str, str]]) -> None:
        self._write([TrashedRow(entry=entry, table=NOTES, columns=each) for each in notes])

    def close(self) -> None:
        for entry in self._entries:
            entry.seal = seal(f"{self._sums[entry.pk]:x}", context=entry.sealing_context())
        TrashEntry.objects.bulk_update(self._entries, ["seal"], batch_size=FEW)

    def _write(self, rows: Sequence[TrashedRow]) -> None:
        for row in rows:
            self._sums[row.entry_id] = (self._sums[row.entry_id] + _part(row)) % MODULUS
        TrashedRow.objects.bulk_create(rows, batch_size=FEW)


def sealed_field(model: type[Model]) -> SealedField | None:
    return next((field for field in sealed_fields() if field.model is model), None)


def check_entry(entry: TrashEntry) -> None:
    """Raises Unreadable unless it holds what it held when a writer of ours sealed it."""
    check_rows(entry, entry.rows.order_by("pk").iterator(chunk_size=FEW))


def check_rows(entry: TrashEntry, rows: Iterable[TrashedRow]) -> None:
    """The same for who has loaded all that it holds."""
    total = sum(map(_part, rows)) % MODULUS
    try:
        is_whole = int(unseal(entry.seal, context=entry.sealing_context()), 16) == total
    except DecryptionError:
        is_whole = False
    if not is_whole:
        raise Unreadable(
            f"What the trash holds of {entry} is not as DevinSync left it, so it is not restored. Somebody wrote to "
            "the database behind it. Take it from a backup, or delete it for good."
        )


def check_values(entry: TrashEntry) -> None:
    """Raises Unreadable where something that it holds sealed opens by no key."""
    for row in entry.rows.exclude(sealed="").order_by("pk").iterator(chunk_size=FEW):
        try:
            unseal(row.sealed, context=row.context)
        except DecryptionError as error:
            raise Unreadable(f"The trash holds {entry} with a value that can't be read. {error}") from error


def _as_trashed(row: Any, entry: TrashEntry, sealed: SealedField | None) -> TrashedRow:
    columns = {field.attname: _plain(getattr(row, field.attname)) for field in row._meta.concrete_fields}
    token = str(columns.pop(sealed.name)) if sealed is not None else ""
    context = sealed.context(row) if sealed is not None and token else ""
    return TrashedRow(entry=entry, table=table_of(type(row)), columns=columns, sealed=token, context=context)


def table_of(model: type[Model]) -> str:
    return str(model._meta.db_table)


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _part(row: TrashedRow) -> int:
    """Not of the token, which rotation changes: that one is bound to all this by its context."""
    text = json.dumps([row.table, row.columns, row.context], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
