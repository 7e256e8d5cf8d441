"""Syncs and connections as a document that a team keeps in git: what there is, what is wanted, and the difference.

A document never holds an API key or a value. Connections and syncs that it does not name are left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

from connections.models import Connection
from syncs.editing.actor import Actor
from syncs.editing.change import EDITABLE, change_sync
from syncs.editing.create import create_sync
from syncs.errors import SyncError
from syncs.models import DevinSync
from syncs.options import OPTIONS
from vault.errors import VaultError
from vault.models import Project
from vault.reading import find_folder

CONNECTION_FIELDS = ("description", "base_url", "concurrency")
SYNC_FIELDS = ("description", "is_enabled", "org_id", *OPTIONS)
PLACE_FIELDS = ("project", "environment", "path", "connection")


class BadDeclaration(Exception):
    """Says what in the document is wrong, and what to do."""


@dataclass(frozen=True)
class Difference:
    """A row that would be made or changed, and its fields as (name, now, wanted). The row has the wanted values."""

    kind: str
    name: str
    row: Model = field(repr=False)
    fields: list[tuple[str, Any, Any]]
    is_new: bool

    @property
    def told(self) -> str:
        return ", ".join(name for name, _, _ in self.fields)

    def lines(self) -> Iterator[str]:
        yield f"{'+' if self.is_new else '~'} {self.kind} {self.name}"
        for name, now, wanted in self.fields:
            yield f"    {name}: {wanted!r}" if self.is_new else f"    {name}: {now!r} -> {wanted!r}"


def describe_all() -> dict[str, Any]:
    """The document of what there is, in a stable order."""
    connections = Connection.objects.filter(app=Connection.App.DEVIN).order_by("name")
    syncs = DevinSync.objects.select_related("project", "connection", "folder__environment")
    return {
        "connections": [{"name": row.name} | _values(row, CONNECTION_FIELDS) for row in connections],
        "syncs": [describe_sync(row) for row in syncs.order_by("project__slug", "name")],
    }


def describe_sync(sync: DevinSync) -> dict[str, Any]:
    return {
        "name": sync.name,
        "project": sync.project.slug,
        "environment": sync.environment_slug,
        "path": sync.path,
        "connection": sync.connection.name,
    } | _values(sync, SYNC_FIELDS)


def compare(document: Any) -> list[Difference]:
    """What applying the document would do, connections first. Raises BadDeclaration; writes nothing."""
    parts = _mapping(document, "the document", ("connections", "syncs"))
    wanted = [_mapping(each, "a connection", ("name", *CONNECTION_FIELDS)) for each in _list(parts, "connections")]
    connections = [_compare_connection(each) for each in wanted]
    known = {row.name: row for row in Connection.objects.all()}
    known |= {difference.name: difference.row for difference in connections if isinstance(difference.row, Connection)}
    syncs = [_compare_sync(each, known) for each in _list(parts, "syncs")]
    return [difference for difference in (*connections, *syncs) if difference.fields or difference.is_new]


def carry_out(difference: Difference, *, by: Actor, removes_old: bool = False) -> None:
    """Makes the row, or changes it as everybody does. Raises BadDeclaration if that is refused.

    What a sync wrote to an organization that it leaves stays there, or is removed with `removes_old`.
    """
    row = difference.row
    try:
        if not isinstance(row, DevinSync):
            row.save()
            by.note_added(row) if difference.is_new else by.note_changed(row, f"Changed {difference.told}")
        elif difference.is_new:
            create_sync(row, by=by)
        else:
            fields = {name: getattr(row, name) for name in EDITABLE}
            change_sync(row.pk, fields, by=by, seen_version=row.version, removes_old=removes_old)
    except SyncError as error:
        raise BadDeclaration(f"The {difference.kind} {difference.name} stays as it is. {error.message}") from error
    except ValidationError as error:
        raise _cannot_be(difference.kind, difference.name, error) from None


def _compare_connection(wanted: Mapping[str, Any]) -> Difference:
    name = _name(wanted, "connection")
    row = Connection.objects.filter(name=name).first() or Connection(name=name)
    before = _values(row, CONNECTION_FIELDS)
    if not row._state.adding and wanted.get("base_url", row.base_url) != row.base_url:
        raise BadDeclaration(
            f"The connection {name} has another base_url. Change it in the admin, where its API key is entered again."
        )
    return _set_fields("connection", name, row, before, wanted)


def _compare_sync(entry: Any, connections: Mapping[str, Connection]) -> Difference:
    wanted = _mapping(entry, "a sync", ("name", *PLACE_FIELDS, *SYNC_FIELDS))
    name = _name(wanted, "sync")
    project = Project.objects.filter(slug=wanted.get("project", "")).first()
    if project is None:
        raise BadDeclaration(f"The sync {name} names the project {wanted.get('project')!r}, which there is not.")
    rows = DevinSync.objects.select_related("project", "connection", "folder__environment")
    row = rows.filter(project=project, name=name).first() or DevinSync(project=project, name=name)
    before = {} if row._state.adding else describe_sync(row)
    _set_place(row, wanted, connections)
    return _set_fields("sync", f"{project.slug}/{name}", row, before or _values(row, SYNC_FIELDS), wanted)


def _set_place(row: DevinSync, wanted: Mapping[str, Any], connections: Mapping[str, Connection]) -> None:
    if missing := [name for name in ("environment", "path", "connection", "org_id") if not wanted.get(name)]:
        raise BadDeclaration(f"The sync {row.name} has no {', '.join(missing)}. Add it.")
    connection = connections.get(str(wanted["connection"]))
    if connection is None:
        raise BadDeclaration(f"The sync {row.name} names the connection {wanted['connection']!r}, which there is not.")
    try:
        folder = find_folder(row.project, str(wanted["environment"]), str(wanted["path"]))
    except VaultError as error:
        raise BadDeclaration(f"The source of the sync {row.name} cannot be used. {error}") from error
    row.connection, row.folder, row.environment = connection, folder, folder.environment


def _set_fields(kind: str, name: str, row: Model, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Difference:
    """Takes over what the document says; what it does not say stays as it is, or is the default."""
    own = CONNECTION_FIELDS if kind == "connection" else SYNC_FIELDS
    for each in own:
        if each in wanted:
            setattr(row, each, wanted[each])
    try:
        row.clean_fields(exclude=["project", "environment", "folder", "connection"])
    except ValidationError as error:
        raise _cannot_be(kind, name, error) from None
    after = describe_sync(row) if isinstance(row, DevinSync) else _values(row, own)
    shown = [each for each in (*PLACE_FIELDS, *own) if each in after and each in wanted]
    changed = [(each, before.get(each), after[each]) for each in shown if before.get(each) != after[each]]
    return Difference(kind, name, row, changed, is_new=row._state.adding)


def _cannot_be(kind: str, name: str, error: ValidationError) -> BadDeclaration:
    told = "; ".join(f"{each}: {' '.join(messages)}" for each, messages in error.message_dict.items())
    return BadDeclaration(f"The {kind} {name} cannot be as it says. {told}")


def _values(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _name(wanted: Mapping[str, Any], kind: str) -> str:
    name = wanted.get("name")
    if not isinstance(name, str) or not name:
        raise BadDeclaration(f"A {kind} of the document has no name. Add it.")
    return name


def _list(parts: Mapping[str, Any], name: str) -> list[Any]:
    found = parts.get(name) or []
    if not isinstance(found, list):
        raise BadDeclaration(f"“{name}” of the document is no list.")
    return found


def _mapping(found: Any, what: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise BadDeclaration(f"In the document, {what} is no list of names with values.")
    if unknown := sorted(str(name) for name in found if name not in known):
        raise BadDeclaration(f"In the document, {what} has {', '.join(unknown)}. Known are: {', '.join(known)}.")
    return found
