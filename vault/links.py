"""What leads from one folder of a project to others, and the project's counter of changes, all of one moment."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import CharField, DateTimeField, F, IntegerField, OuterRef, QuerySet, Subquery, UUIDField, Value

from vault.models import Folder, Project, SecretImport, SecretReference

PROJECT, IMPORT, REFERENCE = range(3)
NO_ID = Value(None, output_field=UUIDField())
NO_TIME = Value(None, output_field=DateTimeField())
NO_TEXT = Value("", output_field=CharField())
# All answer these columns, in this order.
COLUMNS = ("kind", "row", "at_folder", "other", "number", "since", "holder", "to_slug", "to_path", "to_key")

Rows = QuerySet[Any, Any]


class ImportRow(NamedTuple):
    id: UUID
    folder_id: UUID
    source_id: UUID
    position: int


class ReferenceRow(NamedTuple):
    """Of the secret with `secret_key` in a folder. `referred_id` is the folder at the place that it names, if it names
    one and that was asked for."""

    folder_id: UUID
    secret_key: str
    environment_slug: str
    path: str
    key: str
    referred_id: UUID | None


@dataclass
class Links:
    """`revision` is None where the project is gone. Imports are by the folder that shows them, in the order there."""

    revision: int | None = None
    imports: dict[UUID, list[ImportRow]] = field(default_factory=lambda: defaultdict(list))
    references: list[ReferenceRow] = field(default_factory=list)

    def sources(self) -> dict[UUID, list[UUID]]:
        """By folder, those that it imports, in order."""
        return {folder_id: [each.source_id for each in rows] for folder_id, rows in self.imports.items()}


def load_links(project_id: UUID, *, references: bool = True, within: bool = True, resolved: bool = False) -> Links:
    """Without those `within` a folder, `references` lead elsewhere; `resolved`, the folders that they name are told."""
    selected = [_imports(project_id)]
    if references:
        selected.append(_references(project_id, within=within, resolved=resolved))
    return _load(_counter(project_id), selected)


def load_imports_of(folder: Folder) -> Links:
    """Of one folder alone."""
    project_id = folder.environment.project_id
    return _load(_counter(project_id), [_imports(project_id, folder.id)])


def _load(counter: Rows, selected: Sequence[Rows]) -> Links:
    found = Links()
    rows = counter.union(*selected, all=True).order_by("number", "since")
    for kind, row, folder_id, other, number, _, holder, slug, path, key in rows:
        if kind == PROJECT:
            found.revision = number
        elif kind == IMPORT:
            found.imports[folder_id].append(ImportRow(row, folder_id, other, number))
        else:
            found.references.append(ReferenceRow(folder_id, holder, slug, path, key, other))
    return found


def _counter(project_id: UUID) -> Rows:
    return _columns(Project.objects.filter(id=project_id), PROJECT, number=F("revision"))


def _imports(project_id: UUID, *only: UUID) -> Rows:
    rows = SecretImport.objects.filter(folder__environment__project_id=project_id)
    rows = rows.filter(folder_id__in=only) if only else rows
    columns = {"row": F("id"), "at_folder": F("folder_id"), "other": F("source_id"), "number": F("position")}
    return _columns(rows, IMPORT, **columns, since=F("created_at"))


def _references(project_id: UUID, *, within: bool, resolved: bool) -> Rows:
    rows = SecretReference.objects.filter(secret__folder__environment__project_id=project_id)
    places = Folder.objects.filter(environment__project_id=project_id, path=OuterRef("path")).order_by()
    there = places.filter(environment__slug=OuterRef("environment_slug")).values("id")[:1]
    return _columns(
        rows if within else rows.exclude(environment_slug=""),
        REFERENCE,
        at_folder=F("secret__folder_id"),
        other=Subquery(there) if resolved else NO_ID,
        holder=F("secret__key"),
        to_slug=F("environment_slug"),
        to_path=F("path"),
        to_key=F("key"),
    )


def _columns(rows: QuerySet[Any], kind: int, **given: Any) -> Rows:
    none: dict[str, Any] = {"row": NO_ID, "at_folder": NO_ID, "other": NO_ID, "since": NO_TIME}
    none |= {"number": Value(0), **dict.fromkeys(("holder", "to_slug", "to_path", "to_key"), NO_TEXT)}
    every = {"kind": Value(kind, output_field=IntegerField())} | none | given
    found: Rows = rows.order_by().annotate(**{name: every[name] for name in COLUMNS}).values_list(*COLUMNS)
    return found
