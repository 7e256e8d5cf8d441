"""Syncs and connections as a document that a team keeps in git: what there is, and what is done to have what is wanted.

A document never holds an API key or a value; it may name an environment variable that holds a key. Connections and
syncs that it does not name are left alone, unless pruning is asked for. Floors above add parts of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, ProtectedError

from connections.models import Connection
from sources.sharing import share
from sources.words import JOINED, link_of
from syncs.editing.actor import Actor, Person
from syncs.editing.change import EDITABLE, change_sync
from syncs.editing.create import create_sync
from syncs.editing.declared_parts import part_of, parts
from syncs.editing.declared_sharing import SHARED_WITH, told_sharing
from syncs.editing.declared_ways import way_of
from syncs.editing.delete import delete_sync
from syncs.editing.document import BadDeclaration, Fault
from syncs.editing.seen import Seen
from syncs.errors import EditRefused, SyncError
from syncs.models import DevinSync
from syncs.options import OPTIONS
from vault.models import Project

CONNECTION_FIELDS = ("description", "base_url", "concurrency")
SYNC_FIELDS = ("description", "is_enabled", "org_id", *OPTIONS)
PLACE_FIELDS = ("project", "environment", "path", "connection")
# Of a project that is kept elsewhere: a document tells it, so that nobody applies it to another source.
SOURCE_CONNECTION = "source_connection"
CREATE, CHANGE, DELETE = "create", "change", "delete"
SIGNS = {CREATE: "+", CHANGE: "~", DELETE: "-"}


class DeclaredPlace(Protocol):
    """A row that reads a place and writes through a connection."""

    project: Project
    connection: Connection

    @property
    def environment_slug(self) -> str: ...

    @property
    def path(self) -> str: ...


@dataclass(frozen=True)
class Difference:
    """A row that would be made, changed or deleted, and its fields as (name, now, wanted). It has the wanted values."""

    kind: str
    name: str
    row: Model = field(repr=False)
    fields: list[tuple[str, Any, Any]]
    action: str = CHANGE
    api_key: str | None = field(default=None, repr=False)
    # Of a connection: the slugs of the projects that it is to be shared with; None: as it is.
    shared_with: list[str] | None = None
    # What else its part is to carry out.
    more: Any = field(default=None, repr=False)
    line: int = 0

    @property
    def told(self) -> str:
        return ", ".join(name for name, _, _ in self.fields)

    def lines(self) -> Iterator[str]:
        yield f"{SIGNS[self.action]} {self.kind} {self.name}"
        for name, now, wanted in self.fields:
            yield f"    {name}: {wanted!r}" if self.action == CREATE else f"    {name}: {now!r} -> {wanted!r}"

    def as_json(self) -> dict[str, Any]:
        fields = [{"name": name, "now": now, "wanted": wanted} for name, now, wanted in self.fields]
        return {"action": self.action, "kind": self.kind, "name": self.name, "fields": fields}


@dataclass(frozen=True)
class Comparison:
    """What applying a document would do, connections first and deletions last, and what to look at before."""

    differences: list[Difference]
    warnings: list[Fault]

    @property
    def deletions(self) -> list[Difference]:
        return [each for each in self.differences if each.action == DELETE]


def describe_all(*, seen_by: Person | None = None) -> dict[str, Any]:
    """The document of what there is, in a stable order: all of it, or what a person sees."""
    seen = Seen(seen_by)
    connections = seen.connections().filter(app=Connection.App.DEVIN).order_by("name")
    shared = told_sharing(seen)
    syncs = seen.syncs().select_related(*(f"project__{name}" for name in JOINED))
    return {
        "connections": [describe_connection(row, shared.get(row.pk, []), seen) for row in connections],
        "syncs": [describe_sync(row) for row in syncs.order_by("project__slug", "name")],
        **{part.key: part.describe(seen) for part in parts()},
    }


def describe_connection(row: Connection, shared_with: list[str], seen: Seen) -> dict[str, Any]:
    """A way of its own is told where it has one; its proxy's login never is."""
    own_way = {name: text for name, text in way_of(row).items() if text and seen.whole_connections}
    shared = {SHARED_WITH: shared_with} if shared_with else {}
    return {"name": row.name} | values_of(row, CONNECTION_FIELDS) | own_way | shared


def describe_sync(sync: DevinSync) -> dict[str, Any]:
    return {"name": sync.name} | place_of(sync) | kept_by(sync.project) | values_of(sync, SYNC_FIELDS)


def place_of(row: DeclaredPlace) -> dict[str, Any]:
    """A source that is gone is told as it was."""
    return {
        "project": row.project.slug,
        "environment": row.environment_slug,
        "path": row.path,
        "connection": row.connection.name,
    }


def kept_by(project: Project) -> dict[str, str]:
    link = link_of(project)
    return {SOURCE_CONNECTION: link.connection.name} if link is not None else {}


def values_of(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


@transaction.atomic
def apply(comparison: Comparison, *, by: Actor, removes_secrets: bool = False) -> None:
    """Carries out all of it or nothing. Raises BadDeclaration with all that is refused.

    What a sync wrote to an organization that it leaves, or at all if it goes, stays there, or is removed.
    """
    faults = []
    for difference in comparison.differences:
        try:
            with transaction.atomic():
                _carry_out(difference, by=by, removes_secrets=removes_secrets)
        except SyncError as error:
            told = f"The {difference.kind} {difference.name} stays as it is. {error.message}"
            faults.append(Fault(told, difference.line))
        except ValidationError as error:
            faults.append(cannot_be(difference.kind, difference.name, error, difference.line))
    if faults:
        raise BadDeclaration(*faults)


def _carry_out(difference: Difference, *, by: Actor, removes_secrets: bool) -> None:
    row = difference.row
    if isinstance(row, Connection):
        _carry_out_connection(difference, row, by)
    elif (part := part_of(row)) is not None:
        part.carry_out(difference, by=by, removes_secrets=removes_secrets)
    elif not isinstance(row, DevinSync):
        raise TypeError(f"There is no way to change a {type(row).__name__}.")
    elif difference.action == DELETE:
        delete_sync(row.pk, by=by, removes_secrets=removes_secrets)
    elif difference.action == CREATE:
        # The connection may have been made a moment ago.
        row.connection_id = row.connection.pk
        create_sync(row, by=by)
    else:
        fields = {name: getattr(row, name) for name in EDITABLE}
        change_sync(row.pk, fields, by=by, seen_version=row.version, removes_old=removes_secrets)


def _carry_out_connection(difference: Difference, row: Connection, by: Actor) -> None:
    if difference.action == DELETE:
        by.note_deleted(row)
        try:
            row.delete()
        except ProtectedError:
            raise EditRefused("Something that the document does not tell of still uses it.") from None
        return
    if difference.api_key is not None:
        row.set_api_key(difference.api_key)
    row.save()
    if difference.shared_with is not None:
        share(row, list(Project.objects.filter(slug__in=difference.shared_with)))
    by.note_added(row) if difference.action == CREATE else by.note_changed(row, f"Changed {difference.told}")


def cannot_be(kind: str, name: str, error: ValidationError, line: int) -> Fault:
    parts = error.message_dict.items() if hasattr(error, "error_dict") else [("", error.messages)]
    told = "; ".join(f"{each}: {' '.join(messages)}" if each else " ".join(messages) for each, messages in parts)
    return Fault(f"The {kind} {name} cannot be as it says. {told}", line)
