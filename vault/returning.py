"""Puts the rows of an entry of the trash back into their tables, a table at a time, some rows at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Model

from encryption import DecryptionError, seal, unseal
from encryption.registry import SealedField
from vault.models import Folder, Secret, SecretImport, TrashedRow, TrashEntry
from vault.trash import FEW, NOTES, OF_SECRETS, TABLES, check_rows, sealed_field, table_of


@dataclass(frozen=True)
class Place:
    """Where a folder and those below it come back: below which folder, and at which path instead of the old one."""

    environment_id: UUID
    old_path: str
    path: str

    def move(self, columns: dict[str, Any]) -> dict[str, Any]:
        path = self.path + columns["path"].removeprefix(self.old_path)
        return columns | {"environment_id": str(self.environment_id), "path": path}


@dataclass
class Returned:
    """`unkept` are imports of folders that are gone."""

    unkept: list[SecretImport] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)


def put_back(entry: TrashEntry, place: Place | None) -> Returned:
    """All of a folder or an environment."""
    returned = Returned()
    for model in TABLES:
        for batch in _batches(entry, table_of(model)):
            columns = [row.columns for row in batch]
            if model is Folder and place is not None:
                columns = [place.move(each) for each in columns]
            _insert(model, batch, [_as_row(model, each) for each in columns], returned)
    returned.notes = [row.columns for batch in _batches(entry, NOTES) for row in batch]
    return returned


def put_back_secrets(entries: Sequence[TrashEntry]) -> list[Secret]:
    """Those that are entries of their own, with what belongs to them. Raises Unreadable unless each is whole."""
    by_table: dict[str, list[TrashedRow]] = defaultdict(list)
    by_entry: dict[UUID, list[TrashedRow]] = defaultdict(list)
    for row in TrashedRow.objects.filter(entry__in=[entry.pk for entry in entries]).order_by("pk"):
        by_table[row.table].append(row)
        by_entry[row.entry_id].append(row)
    for entry in entries:
        check_rows(entry, by_entry[entry.pk])
    found: list[Secret] = []
    tables: tuple[type[Model], ...] = (Secret, *OF_SECRETS)
    for model in tables:
        if rows := by_table[table_of(model)]:
            inserted = _insert(model, rows, [_as_row(model, row.columns) for row in rows], Returned())
            found += inserted if model is Secret else []
    return found


def _batches(entry: TrashEntry, table: str) -> Iterator[list[TrashedRow]]:
    rows = entry.rows.filter(table=table).order_by("pk")
    batch = list(rows[:FEW])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:FEW])


def _as_row(model: type[Model], columns: Mapping[str, Any]) -> Any:
    """A column that this release has no more is left out; one that it has besides gets its default."""
    fields = {each.attname: each for each in model._meta.concrete_fields}
    known = {name: fields[name].to_python(value) for name, value in columns.items() if name in fields}
    if isinstance(model._meta.pk, models.AutoField):
        known.pop(model._meta.pk.attname, None)
    return model(**known)


def _insert(model: type[Model], trashed: Sequence[TrashedRow], rows: Sequence[Any], returned: Returned) -> list[Any]:
    gone = _drop_what_is_gone(model, rows)
    if model is SecretImport:
        returned.unkept += [rows[index] for index in sorted(gone)]
    pairs = [(row, token) for index, (row, token) in enumerate(zip(rows, trashed, strict=True)) if index not in gone]
    sealed = sealed_field(model)
    if sealed is not None:
        _load_beside(sealed, [row for row, _ in pairs])
        for row, token in pairs:
            setattr(row, sealed.name, _resealed(token, sealed.context(row)))
    _create(model, [row for row, _ in pairs])
    return [row for row, _ in pairs]


def _drop_what_is_gone(model: type[Model], rows: Sequence[Any]) -> set[int]:
    """Forgets what rows point to and is no more, as its deletion would have; which rows can't do without it."""
    gone: set[int] = set()
    for each in model._meta.concrete_fields:
        if not isinstance(each, models.ForeignKey) or each.related_model is model:
            continue
        asked = {getattr(row, each.attname) for row in rows} - {None}
        there = set(each.related_model._base_manager.filter(pk__in=asked).values_list("pk", flat=True))
        for index, row in enumerate(rows):
            if getattr(row, each.attname) not in there | {None}:
                gone |= set() if each.null else {index}
                setattr(row, each.attname, None if each.null else getattr(row, each.attname))
    return gone


def _load_beside(sealed: SealedField, rows: Sequence[Any]) -> None:
    """The rows that a context names, for many at once."""
    if not sealed.beside:
        return
    first, _, further = sealed.beside.partition("__")
    related: Any = sealed.model._meta.get_field(first).related_model
    found = related._base_manager.all()
    by_id = (found.select_related(further) if further else found).in_bulk({getattr(row, f"{first}_id") for row in rows})
    for row in rows:
        setattr(row, first, by_id[getattr(row, f"{first}_id")])


def _resealed(row: TrashedRow, context: str) -> str:
    """The same token where its place has not changed, and where it does not open anyway."""
    if not row.sealed or row.context == context:
        return row.sealed
    try:
        return seal(unseal(row.sealed, context=row.context), context=context)
    except DecryptionError:
        return row.sealed


def _create(model: type[Model], rows: Sequence[Any]) -> None:
    """With the times that they had, over which a new row writes the present one."""
    times = [each.attname for each in model._meta.concrete_fields if _is_set_by_itself(each)]
    kept = [{name: getattr(row, name) for name in times} for row in rows]
    model._base_manager.bulk_create(rows, batch_size=FEW)
    for row, its in zip(rows, kept, strict=True):
        for name, value in its.items():
            setattr(row, name, value)
    if times and rows:
        model._base_manager.bulk_update(rows, times, batch_size=FEW)


def _is_set_by_itself(each: Any) -> bool:
    return bool(getattr(each, "auto_now", False) or getattr(each, "auto_now_add", False))
