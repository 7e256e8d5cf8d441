"""Adding, ordering and removing the imports of a folder."""

from django.db.models import QuerySet

from vault.access import place_of
from vault.affected import load_edges
from vault.editing.actor import Actor
from vault.editing.change import changing
from vault.editing.rights import check_import_may_leave
from vault.editing.telling import tell_folders
from vault.errors import InUse, Invalid, Taken
from vault.models import Folder, SecretImport


def add_import(folder: Folder, source: Folder, *, position: int | None = None, by: Actor) -> SecretImport:
    """Lets `folder` show the secrets of `source`; without a position it comes last, where it wins over the others."""
    by.demand("vault.add_secretimport", place_of(folder))
    with changing(folder.environment.project_id, by) as change:
        _check_source(folder, source, by=by)
        change.seals.take_imports(folder.id)
        new = SecretImport(folder=folder, source=source)
        rows = list(folder.imports.all())
        rows.insert(len(rows) if position is None else max(position - 1, 0), new)
        new.save(force_insert=True)
        _number(rows)
        change.seals.put_imports(folder.id)
        change.mark(folder.id)
        change.tell(folder, "import", "", str(source))
    return new


def point_import(row: SecretImport, source: Folder, *, by: Actor) -> SecretImport:
    """Lets an import show another folder, at its place among the others."""
    by.demand("vault.change_secretimport", place_of(row.folder))
    with changing(row.folder.environment.project_id, by) as change:
        if source.id != row.source_id:
            _check_source(row.folder, source, by=by)
            change.seals.take_imports(row.folder_id)
            change.tell(row.folder, "import", str(row.source), str(source))
            row.source = source
            row.save(update_fields=["source"])
            change.seals.put_imports(row.folder_id)
            change.mark(row.folder_id)
    return row


def move_import(row: SecretImport, position: int, *, by: Actor) -> SecretImport:
    """Puts it at a place in the list, counted from 1; a place past either end is that end."""
    by.demand("vault.change_secretimport", place_of(row.folder))
    with changing(row.folder.environment.project_id, by) as change:
        change.remember([row])
        change.seals.take_imports(row.folder_id)
        rows = [other for other in row.folder.imports.all() if other.id != row.id]
        rows.insert(max(position - 1, 0), row)
        before = row.position
        _number(rows)
        change.tell(row.folder, f"position of the import of {row.source}", str(before), str(row.position))
        change.seals.put_imports(row.folder_id)
        change.mark(row.folder_id)
    return row


def delete_import(row: SecretImport, *, by: Actor) -> None:
    by.demand("vault.delete_secretimport", place_of(row.folder))
    with changing(row.folder.environment.project_id, by) as change:
        change.remember([row])
        change.tell(row.folder, "import", str(row.source), "")
        change.mark(row.folder_id)
        change.seals.take_imports(row.folder_id)
        row.delete()
        _number(list(SecretImport.objects.filter(folder_id=row.folder_id)))
        change.seals.put_imports(row.folder_id)


def check_not_imported(doomed: QuerySet[Folder], *, name: str, by: Actor) -> None:
    """Refuses, with the names that may be told, while folders that stay import one of those that would go."""
    staying = SecretImport.objects.filter(source__in=doomed).exclude(folder__in=doomed)
    importers = [row.folder for row in staying.select_related("folder__environment")]
    if importers:
        raise InUse(f"{name} is imported by {tell_folders(importers, by)}. Remove these imports first, then delete it.")


def _check_source(folder: Folder, source: Folder, *, by: Actor) -> None:
    if source.environment.project_id != folder.environment.project_id:
        raise Invalid("A folder can import only from its own project.", field="source")
    if folder.imports.filter(source=source).exists():
        raise Taken(f"{folder} imports {source} already.", field="source")
    _check_no_cycle(folder, source)
    check_import_may_leave(folder, source, by=by)


def _check_no_cycle(folder: Folder, source: Folder) -> None:
    """Refuses if `source` is the folder itself, or shows its secrets already."""
    importers, waiting = load_edges(folder.environment.project_id).importers, [folder.id]
    seen = set(waiting)
    while waiting:
        reached = set(importers.get(waiting.pop(), ())) - seen
        seen |= reached
        waiting.extend(reached)
    if source.id in seen:
        what = "itself" if source.id == folder.id else f"{source}, which imports it already"
        raise Invalid(f"{folder} can't import {what}.", field="source")


def _number(rows: list[SecretImport]) -> None:
    for position, row in enumerate(rows, start=1):
        row.position = position
    SecretImport.objects.bulk_update(rows, ["position"])
