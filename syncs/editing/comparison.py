"""Compares a document with what there is: the differences, and all that is wrong, each with its line. Writes nothing.

in the document                                  what it means
a name that there is                             that row, with what is said; what is not said stays
a name that there is not, previous_name is       that row, renamed
a name that there is not                         a new row
null                                             the empty text; for what is no text: not said
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from connections.models import Connection
from connections.validation import clean_api_key
from encryption import DecryptionError
from sources.errors import SourceError
from sources.finding import find_place
from sources.protocol import Found
from sources.words import link_of, where_kept
from syncs.access import place_at
from syncs.editing.actor import Person
from syncs.editing.declaration import (
    CHANGE,
    CONNECTION_FIELDS,
    CREATE,
    DELETE,
    PLACE_FIELDS,
    SOURCE_CONNECTION,
    SYNC_FIELDS,
    Comparison,
    DeclaredPlace,
    Difference,
    cannot_be,
    place_of,
    values_of,
)
from syncs.editing.declared_organizations import ORGANIZATION, with_org_id
from syncs.editing.declared_parts import parts
from syncs.editing.declared_sharing import SHARED_WITH, take_sharing, told_sharing
from syncs.editing.declared_ways import WAY_FIELDS, take_way, way_of
from syncs.editing.document import BadDeclaration, Entry, Fault
from syncs.editing.seen import Seen
from syncs.models import DevinSync
from vault.access import Place
from vault.models import Project

CONNECTION_NAMES = ("name", "previous_name", *CONNECTION_FIELDS, *WAY_FIELDS, SHARED_WITH, "api_key_env")
SYNC_NAMES = ("name", "previous_name", *PLACE_FIELDS, SOURCE_CONNECTION, ORGANIZATION, *SYNC_FIELDS)

IDENTITY = ("project", "name")
PLACE_NEEDS = ("environment", "path", "connection")
SYNC_NEEDS = (*PLACE_NEEDS, "org_id")

Row = TypeVar("Row", bound=models.Model)


class ReadsAndWrites(DeclaredPlace, Protocol):
    """Such a row, whose source may be chosen anew."""

    @property
    def source(self) -> Found | None: ...

    @source.setter
    def source(self, found: Found) -> None: ...


def compare(
    document: Any,
    *,
    keys: Mapping[str, str],
    prunes: bool = False,
    removes_secrets: bool = False,
    seen_by: Person | None = None,
) -> Comparison:
    """What applying the document would do. `keys` are the environment variables that may hold API keys. What a person
    may not see by whom it is `seen_by` is not there for it.

    A sync whose secrets are removed goes later, and its connection stays until then. Raises BadDeclaration with all
    that is wrong.
    """
    comparing = Comparing(keys, Seen(seen_by))
    comparing.read(document)
    if prunes and not comparing.faults:
        comparing.prune(removes_secrets=removes_secrets)
    if comparing.faults:
        raise BadDeclaration(*sorted(comparing.faults, key=lambda fault: fault.line))
    return Comparison(comparing.differences, comparing.warnings)


class Comparing:
    """What has been read so far of a document, and what came of it."""

    def __init__(self, keys: Mapping[str, str], seen: Seen) -> None:
        self.keys = keys
        self.seen = seen
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.differences: list[Difference] = []
        self.connections = {row.name: row for row in seen.connections()}
        self.shared = told_sharing(seen)
        self.syncs: list[tuple[DevinSync, int]] = []
        self.kept: set[Any] = set()
        # The lists that the document has, and the connections through which rows of parts are to write.
        self.named: set[str] = set()
        self.used: set[UUID] = set()

    def read(self, document: Any) -> None:
        known = ("connections", "syncs", *(part.key for part in parts()))
        found = self.entry(document, "The document", known, line=0) or Entry()
        self.named = set(found)
        connections = self.entries(found, "connections", "connection", CONNECTION_NAMES, ("name",))
        syncs = self.entries(found, "syncs", "sync", SYNC_NAMES, IDENTITY)
        others = [(part, self.entries(found, part.key, part.kind, part.names, IDENTITY)) for part in parts()]
        for entry in connections:
            self.compare_connection(entry)
        for entry in syncs:
            self.compare_sync(entry)
        for part, entries in others:
            for entry in entries:
                part.compare(entry, self)
        self.warn_of_doubles()

    def blame(self, message: str, line: int) -> None:
        self.faults.append(Fault(message, line))

    def entry(self, found: Any, what: str, known: tuple[str, ...], *, line: int) -> Entry | None:
        entry = found if isinstance(found, Entry) else Entry(found) if isinstance(found, dict) else None
        if entry is None:
            self.blame(f"{what} is no list of names with values.", line)
            return None
        for name in sorted(str(name) for name in entry if name not in known):
            self.blame(f"{what} has {name}. Known are: {', '.join(known)}.", entry.line_of(name))
        return Entry({name: entry[name] for name in known if name in entry}, line=entry.line, lines=entry.lines)

    def entries(
        self, lists: Entry, name: str, kind: str, known: tuple[str, ...], identity: tuple[str, ...]
    ) -> list[Entry]:
        """Those of one kind that can be looked at further, each once."""
        listed = lists.get(name) or []
        if not isinstance(listed, list):
            self.blame(f"“{name}” of the document is no list.", lists.line_of(name))
            return []
        first: dict[tuple[str, ...], Entry] = {}
        for found in listed:
            entry = self.entry(found, f"A {kind}", known, line=lists.line_of(name))
            if entry is None or not self.is_named(entry, kind):
                continue
            same = first.setdefault(tuple(str(entry.get(part)) for part in identity), entry)
            if same is not entry:
                where = f"in line {same.line}" if same.line else "before"
                self.blame(f"The {kind} {entry['name']} stands here and {where}. Keep one of them.", entry.line)
        return list(first.values())

    def is_named(self, entry: Entry, kind: str) -> bool:
        for name in ("name", "previous_name"):
            if entry.get(name) is not None and not isinstance(entry[name], str):
                self.blame(f"The {name} of a {kind} is no text. Put it in quotes.", entry.line_of(name))
                return False
        if not entry.get("name"):
            self.blame(f"A {kind} of the document has no name. Add it.", entry.line)
            return False
        return True

    def find(self, entry: Entry, kind: str, rows: Mapping[str, Row]) -> Row | None:
        """The row that an entry means, under its name or the one it had."""
        name, previous = entry["name"], entry.get("previous_name")
        row = rows.get(name)
        if previous and previous != name and row is not None and previous in rows:
            told = f"There are both a {kind} {name} and one named {previous}. Take previous_name out, or rename one."
            self.blame(told, entry.line_of("previous_name"))
        return row or (rows.get(previous) if previous else None)

    def compare_connection(self, entry: Entry) -> None:
        devins = {name: row for name, row in self.connections.items() if row.app == Connection.App.DEVIN}
        row = self.find(entry, "connection", devins) or Connection()
        before = values_of(row, ("name", *CONNECTION_FIELDS)) | way_of(row) if not row._state.adding else {}
        moves = bool(before) and entry.get("base_url") not in (None, row.base_url)
        if moves and not entry.get("api_key_env"):
            self.blame_move(entry, row, "base_url")
            return
        if not self.set_fields("connection", entry, row, CONNECTION_FIELDS) or not self.set_way(entry, row):
            return
        other_way = next((name for name, text in way_of(row).items() if before and before[name] != text), "")
        if other_way and not entry.get("api_key_env"):
            self.blame_move(entry, row, other_way)
            return
        moves = moves or bool(other_way)
        key, fields = self.key_of(entry, row, moves=moves)
        sharing = self.sharing_of(entry, row, known=bool(before))
        after = values_of(row, ("name", *CONNECTION_FIELDS)) | way_of(row)
        if sharing is not None:
            before, after = before | {SHARED_WITH: sharing[0]}, after | {SHARED_WITH: sharing[1]}
        self.connections[row.name] = row
        self.kept.add(row.pk)
        wanted = sharing[1] if sharing is not None else None
        found = Difference("connection", row.name, row, fields, api_key=key, shared_with=wanted)
        self.note(found, entry, before, after)

    def sharing_of(self, entry: Entry, row: Connection, *, known: bool) -> tuple[list[str], list[str]] | None:
        """The projects that it is shared with, and those that the entry says; None where it says none."""
        try:
            wanted = take_sharing(entry, self.seen)
        except ValidationError as error:
            self.blame(
                f"The connection {entry['name']} cannot be as it says. {error.messages[0]}", entry.line_of(SHARED_WITH)
            )
            return None
        return (self.shared.get(row.pk, []) if known else [], wanted) if wanted is not None else None

    def blame_move(self, entry: Entry, row: Connection, field: str) -> None:
        told = "Change it in the admin, where its API key is entered again, or add api_key_env."
        self.blame(f"The connection {row.name} has another {field}. {told}", entry.line_of(field))

    def set_way(self, entry: Entry, row: Connection) -> bool:
        self.seen.check_may_see_ways(entry.keys() & {*WAY_FIELDS})
        try:
            take_way(row, entry)
        except ValidationError as error:
            line = entry.line_of(next(iter(error.message_dict)))
            self.faults.append(cannot_be("connection", entry["name"], error, line))
            return False
        return True

    def key_of(self, entry: Entry, row: Connection, *, moves: bool) -> tuple[str | None, list[Any]]:
        """The key to store, from the environment variable that the entry names, and how to tell of it."""
        name = entry.get("api_key_env")
        if not name or not isinstance(name, str):
            return None, []
        key = self.keys.get(name, "")
        if not key and (moves or not row.sealed_credentials):
            self.blame(
                f"The environment variable {name} is not set, which api_key_env names.", entry.line_of("api_key_env")
            )
        if not key:
            return None, []
        try:
            key = clean_api_key(key)
            is_same = not moves and row.has_api_key(key)
        except ValidationError as error:
            self.faults.append(cannot_be("connection", row.name, error, entry.line_of("api_key_env")))
            return None, []
        except DecryptionError:
            is_same = False
        now = "another" if row.sealed_credentials else None
        return (None, []) if is_same else (key, [("api_key", now, f"from {name}")])

    def project_of(self, kind: str, entry: Entry) -> Project | None:
        """None where there is no such project, or it is kept elsewhere than the entry says."""
        project = self.seen.projects().filter(slug=str(entry.get("project") or "")).first()
        if project is None:
            told = f"The {kind} {entry['name']} names the project {entry.get('project')!r}, which there is not."
            self.blame(told, entry.line_of("project"))
            return None
        return project if self.is_kept_there(kind, entry, project) else None

    def compare_sync(self, entry: Entry) -> None:
        project = self.project_of("sync", entry)
        if project is None or self.is_of_a_set(entry, project):
            return
        row = self.find(entry, "sync", {sync.name: sync for sync in self.seen.syncs().filter(project=project)})
        row = row or DevinSync(project=project)
        is_new = row._state.adding
        before = {} if is_new else {"name": row.name} | place_of(row) | values_of(row, SYNC_FIELDS)
        was = row.name or entry["name"]
        if entry.get(ORGANIZATION):
            self.check_may_ask(project, entry, before)
        try:
            entry = with_org_id(entry, self.connections.get(str(entry.get("connection") or before.get("connection"))))
        except ValidationError as error:
            told = f"The sync {entry['name']} cannot be as it says. {ORGANIZATION}: {error.messages[0]}"
            self.blame(told, entry.line_of(ORGANIZATION))
            return
        if not self.set_place("sync", row, entry, before, needed=SYNC_NEEDS) or not self.set_fields(
            "sync", entry, row, SYNC_FIELDS
        ):
            return
        self.kept.add(row.pk)
        self.syncs.append((row, entry.line))
        after = {"name": row.name} | place_of(row) | values_of(row, SYNC_FIELDS)
        shown = before or {"name": row.name} | values_of(row.__class__(), SYNC_FIELDS)
        self.note(Difference("sync", f"{project.slug}/{was}", row, []), entry, shown, after)

    def is_of_a_set(self, entry: Entry, project: Project) -> bool:
        """Whether the entry names a sync that a set makes, by the name that it has or would have."""
        said = [name for name in ("name", "previous_name") if (project.pk, entry.get(name)) in self.generated]
        for name in said:
            told = f"The sync {entry[name]} is made by a sync set, so it is changed there. Take it out of “syncs”."
            self.blame(told, entry.line_of(name))
        return bool(said)

    @cached_property
    def generated(self) -> set[tuple[UUID, str]]:
        """Those that sets make, by their projects and names."""
        return set(self.seen.generated().order_by().values_list("project", "name"))

    def is_kept_there(self, kind: str, entry: Entry, project: Project) -> bool:
        """Whether the project is behind the connection that the entry names, if it names one."""
        named = entry.get(SOURCE_CONNECTION)
        link = link_of(project) if named is not None else None
        if named is None or (link is not None and link.connection.name == named):
            return True
        told = (
            f"The {kind} {entry['name']} reads the project {project.slug}, which is kept in "
            f"{where_kept(project) or 'the vault'}, not behind the connection {named}. Correct the document, or link "
            "the project anew."
        )
        self.blame(told, entry.line_of(SOURCE_CONNECTION))
        return False

    def set_place(
        self,
        kind: str,
        row: ReadsAndWrites,
        entry: Entry,
        before: Mapping[str, Any],
        *,
        needed: tuple[str, ...] = PLACE_NEEDS,
    ) -> bool:
        """A place that stays is not judged: what there is may be there, whatever has become of its source."""
        wanted = {name: entry.get(name) or before.get(name) for name in ("project", *needed)}
        if before and all(wanted[name] == before[name] for name in PLACE_FIELDS):
            row.connection = self.connections.get(str(wanted["connection"]), row.connection)
            return True
        if missing := [name for name in needed if not wanted[name]]:
            self.blame(f"The {kind} {entry['name']} has no {', '.join(missing)}. Add it.", entry.line)
            return False
        connection = self.connection_of(kind, entry, str(wanted["connection"]))
        if connection is None:
            return False
        self.seen.check_may_look(self.place_said(row.project, entry, before))
        try:
            source = find_place(row.project, str(wanted["environment"]), str(wanted["path"]))
        except SourceError as error:
            self.blame(f"The source of the {kind} {entry['name']} cannot be used. {error}", entry.line_of("path"))
            return False
        row.connection, row.source = connection, source
        return True

    def place_said(self, project: Project, entry: Entry, before: Mapping[str, Any]) -> Place:
        """Where it would belong, whether or not there is anything."""
        environment, path = (str(entry.get(name) or before.get(name) or "") for name in ("environment", "path"))
        return place_at(project, environment, path)

    def check_may_ask(self, project: Project, entry: Entry, before: Mapping[str, Any]) -> None:
        """Before anything tells which organizations there are. Raises Lacking."""
        connection = self.connections.get(str(entry.get("connection") or before.get("connection")))
        if connection is not None and not connection._state.adding:
            self.seen.check_may_ask(connection, project, self.place_said(project, entry, before))

    def connection_of(self, kind: str, entry: Entry, name: str) -> Connection | None:
        connection = self.connections.get(name)
        if connection is not None and connection.app == Connection.App.DEVIN:
            return connection
        told = (
            f"The {kind} {entry['name']} names the connection {name!r}, which there is not."
            if connection is None
            else f"The {kind} {entry['name']} names the connection {connection.name}, which does not lead to Devin."
        )
        self.blame(told, entry.line_of("connection"))
        return None

    def set_fields(self, kind: str, entry: Entry, row: Row, own: tuple[str, ...]) -> bool:
        """Takes over what the document says; what it does not say stays as it is, or is the default."""
        faults = len(self.faults)
        said = []
        for name in ("name", *own):
            value = entry.get(name)
            if name not in entry or (value is None and not _is_text(row, name)):
                continue
            if not fits(row, name, value):
                told = f"The {kind} {entry['name']} cannot be as it says. {name} is no {type_told(row, name)}."
                self.blame(told, entry.line_of(name))
                continue
            setattr(row, name, "" if value is None else value)
            said.append(name)
        for name in said:
            self.clean(kind, entry, row, name)
        return len(self.faults) == faults

    def clean(self, kind: str, entry: Entry, row: Row, name: str) -> None:
        try:
            row.clean_fields(exclude={each.name for each in row._meta.get_fields()} - {name})
        except ValidationError as error:
            self.faults.append(cannot_be(kind, entry["name"], error, entry.line_of(name)))

    def note(self, found: Difference, entry: Entry, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A difference, with those fields that the entry says and that are another."""
        is_new = found.row._state.adding
        shown = [each for each in after if each in entry and (each != "name" or not is_new)]
        fields = [(each, before.get(each), after[each]) for each in shown if before.get(each) != after[each]]
        if fields or found.fields or is_new:
            action = CREATE if is_new else CHANGE
            self.differences.append(replace(found, fields=[*fields, *found.fields], action=action, line=entry.line))

    def warn_of_doubles(self) -> None:
        """Two syncs of one folder and one organization: the second can write nothing, and is probably the first."""
        ours = {row.pk: row for row, _ in self.syncs}
        for row, line in self.syncs:
            if not row._state.adding:
                continue
            there = self.seen.syncs().of_same_source(row).filter(org_id=row.org_id)
            others = [ours.get(other.pk, other) for other in there] + list(ours.values())
            same = (each for each in others if each is not row and each.reads_the_same_as(row))
            double = next((each for each in same if each.org_id == row.org_id), None)
            if double is not None:
                self.warn_of(row, double, line)

    def warn_of(self, row: DevinSync, other: DevinSync, line: int) -> None:
        hint = "" if other.pk in self.kept else f" If it is the same one, add previous_name: {other.name}."
        self.warnings.append(
            Fault(
                f"The sync {row.name} reads the folder and writes to the organization of {other.name}. "
                f"What one of them holds the other cannot write.{hint}",
                line,
            )
        )

    def prune(self, *, removes_secrets: bool) -> None:
        """What the document does not name goes; a connection only once no sync is left that uses it."""
        doomed = [row for row in self.seen.syncs().order_by("project__slug", "name") if row.pk not in self.kept]
        for row in doomed:
            self.differences.append(Difference("sync", f"{row.project.slug}/{row.name}", row, [], DELETE))
        used = {row.connection.pk for row, _ in self.syncs}
        used |= {row.connection_id for row in doomed} if removes_secrets else set()
        for part in parts():
            used.update(part.prune(self, removes_secrets=removes_secrets))
        for connection in self.seen.connections().filter(app=Connection.App.DEVIN).order_by("name"):
            if connection.pk not in self.kept and connection.pk not in used:
                self.differences.append(Difference("connection", connection.name, connection, [], DELETE))


def _column(row: models.Model, name: str) -> "models.Field[Any, Any]":
    found = row._meta.get_field(name)
    assert isinstance(found, models.Field)  # noqa: S101 - columns of their own only
    return found


def _is_text(row: models.Model, name: str) -> bool:
    return isinstance(_column(row, name), models.CharField | models.TextField)


def type_told(row: models.Model, name: str) -> str:
    if _is_text(row, name):
        return "text; put it in quotes"
    return "true or false" if isinstance(_column(row, name), models.BooleanField) else "whole number"


def fits(row: models.Model, name: str, value: Any) -> bool:
    if _is_text(row, name):
        return value is None or isinstance(value, str)
    if isinstance(_column(row, name), models.BooleanField):
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool)
