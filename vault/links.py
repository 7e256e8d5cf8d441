"""What leads from one folder of a project to others, and the project's counter of changes, all of one moment."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import CharField, DateTimeField, F, IntegerField, OuterRef, QuerySet, Subquery, UUIDField, Value

from vault.models import Folder, Project, SecretImport, SecretReference

PROJECT, IMPORT, REFERENCE = range(3)
# Where the id of a project belongs in what is given to a statement.
PROJECT_ID: Any = object()
ID = UUIDField()
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
    sql, given = _statement(connection.vendor, references, within, resolved)
    own = ID.get_db_prep_value(project_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, [own if value is PROJECT_ID else value for value in given])
        return _links(cursor.fetchall())


def load_imports_of(folder: Folder) -> Links:
    """Of one folder alone."""
    project_id = folder.environment.project_id
    return _links(_union(_counter(project_id), _imports(project_id, folder.id)))


@cache
def _statement(vendor: str, references: bool, within: bool, resolved: bool) -> tuple[str, list[Any]]:
    """The text for any project, and what is given to it, with `PROJECT_ID` where the project's own id belongs.

    Made once: to make it takes ten times as long as to ask it, and each run, edit and page of a folder asks.
    """
    stand_in = uuid4()
    selected = [_imports(stand_in)]
    if references:
        selected.append(_references(stand_in, within=within, resolved=resolved))
    sql, given = _union(_counter(stand_in), *selected).query.sql_with_params()
    own = ID.get_db_prep_value(stand_in, connection)
    return sql, [PROJECT_ID if value == own else value for value in given]


def _union(counter: Rows, *selected: Rows) -> Rows:
    return counter.union(*selected, all=True).order_by("number", "since")


def _links(rows: Iterable[Sequence[Any]]) -> Links:
    found = Links()
    for kind, row, at_folder, other, number, _, holder, slug, path, key in rows:
        folder_id, other_id = _as_id(at_folder), _as_id(other)
        if kind == PROJECT:
            found.revision = number
        elif kind == IMPORT:
            found.imports[folder_id].append(ImportRow(_as_id(row), folder_id, other_id, number))
        else:
            found.references.append(ReferenceRow(folder_id, holder, slug, path, key, other_id))
    return found


def _as_id(value: Any) -> Any:
    """As a database without such a type answers it: a text."""
    return UUID(value) if isinstance(value, str) else value


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
