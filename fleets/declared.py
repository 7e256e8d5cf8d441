"""Sync sets in the document that a team keeps in git. Their syncs stand in none: each follows from its set."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model

from fleets.choices import State
from fleets.declared_lists import (
    LISTS,
    OVERRIDES,
    Overrides,
    names_organizations,
    overrides_schema,
    take_overrides,
    told_overrides,
    with_lines,
)
from fleets.editing import EDITABLE, SELECTION, WAVES, change_set, check_set, create_set, delete_set, override
from fleets.membership import taken_by, told_idle
from fleets.models import Member, SyncSet, SyncSetQuerySet
from fleets.selecting import Reached
from sources.words import JOINED
from syncs.editing.actor import Actor
from syncs.editing.comparison import Comparing
from syncs.editing.declaration import (
    CREATE,
    DELETE,
    PLACE_FIELDS,
    SOURCE_CONNECTION,
    Difference,
    kept_by,
    place_of,
    values_of,
)
from syncs.editing.declaration_schema import entry_schema
from syncs.editing.declared_parts import register_part
from syncs.editing.delete import delete_sync
from syncs.editing.document import Entry, Fault
from syncs.editing.seen import Seen
from syncs.errors import EditRefused
from syncs.models import DevinSync
from syncs.options import OPTIONS
from vault.access import visible

KIND = "sync set"
SET_FIELDS = ("description", "is_enabled", "below", *SELECTION, *WAVES, *OPTIONS)
NAMES = ("name", "previous_name", *PLACE_FIELDS, SOURCE_CONNECTION, *SET_FIELDS, OVERRIDES)
WHICH = frozenset({"connection", "selection", "chosen", "exceptions"})
# Are told of a difference, and stand in no document.
ORGANIZATIONS, COMING, LEAVING, SYNCS = "organizations", "organizations that come", "organizations that leave", "syncs"
MOST_NAMED = 20


def register() -> None:
    register_part(Sets())


class Sets:
    key = "sets"
    kind = KIND
    model: type[Model] = SyncSet
    names = NAMES

    def schema(self) -> dict[str, Any]:
        found = entry_schema(SyncSet, NAMES, required=["name", "project"])
        for name in LISTS:
            text = {"type": ["array", "null"], "items": {"type": "string"}}
            found["properties"][name] = text | {"description": found["properties"][name]["description"]}
        found["properties"][OVERRIDES] = overrides_schema()
        return found

    def describe(self, seen: Seen) -> list[dict[str, Any]]:
        """A set that is being deleted is left out."""
        sets = _seen_by(seen).filter(is_ending=False).select_related(*(f"project__{name}" for name in JOINED))
        rows = list(sets.order_by("project__slug", "name"))
        overrides = _overrides_of(rows)
        return [_told(each) | kept_by(each.project) | told_overrides(overrides[each.pk]) for each in rows]

    def compare(self, entry: Entry, comparing: Comparing) -> None:
        project = comparing.project_of(KIND, entry)
        if project is None:
            return
        there = {each.name: each for each in _seen_by(comparing.seen).filter(project=project)}
        row = comparing.find(entry, KIND, there) or SyncSet(project=project)
        stored = None if row._state.adding else copy(row)
        before = _told(row) if stored is not None else {}
        if _asks(entry, before):
            comparing.check_may_ask(project, entry, before)
        if not _take(entry, row, stored, before, comparing):
            return
        comparing.kept.add(row.pk)
        comparing.used.add(row.connection.pk)
        now = _overrides_of([row])[row.pk]
        wanted = take_overrides(entry, row, now, comparing)
        pairs = {org_id: (now.get(org_id, {}), wanted.get(org_id, {})) for org_id in sorted(now.keys() | wanted.keys())}
        changes = {org_id: (found, said) for org_id, (found, said) in pairs.items() if found != said}
        of_one = [(f"{OVERRIDES} of {org_id}", *each) for org_id, each in changes.items()]
        fields = [*_organizations(stored, row), *of_one]
        if _takes_others(stored, row):
            comparing.warnings += [Fault(f"The {KIND} {row.name}: {told}", entry.line) for told in told_idle(row)]
        found = Difference(KIND, f"{project.slug}/{before.get('name') or entry['name']}", row, fields, more=changes)
        comparing.note(found, entry, before or {"name": row.name} | _values(SyncSet()), _told(row))

    def prune(self, comparing: Comparing, *, removes_secrets: bool) -> Iterable[UUID]:
        """A document without the list was made before there were sets, or without a thought of them: none goes."""
        rows = list(_seen_by(comparing.seen).order_by("project__slug", "name"))
        is_told = self.key in comparing.named
        doomed = [row for row in rows if is_told and row.pk not in comparing.kept and not row.is_ending]
        for row in doomed:
            fields = [(SYNCS, row.members.exclude(sync=None).count(), 0)]
            comparing.differences.append(Difference(KIND, f"{row.project.slug}/{row.name}", row, fields, DELETE))
        gone = {row.pk for row in doomed if not removes_secrets}
        stays = [row for row in rows if row.pk not in gone]
        syncs = DevinSync.objects.filter(set_id__in=[row.pk for row in stays]).order_by()
        return {*comparing.used, *(row.connection_id for row in stays), *syncs.values_list("connection", flat=True)}

    def carry_out(self, difference: Difference, *, by: Actor, removes_secrets: bool) -> None:
        row, changed = cast(SyncSet, difference.row), {name for name, _, _ in difference.fields}
        if difference.action == DELETE:
            _delete(row, by=by, removes_secrets=removes_secrets)
            return
        if difference.action == CREATE:
            # The connection may have been made a moment ago.
            row.connection_id = row.connection.pk
            create_set(row, by=by)
        elif changed.intersection(NAMES):
            change_set(row.pk, {name: getattr(row, name) for name in EDITABLE}, by=by, seen_version=row.version)
        _override(row, difference.more or {}, by=by)


def _seen_by(seen: Seen) -> SyncSetQuerySet:
    sets = SyncSet.objects.with_source().select_related("connection")
    return sets if seen.by is None else cast(SyncSetQuerySet, visible(seen.by, sets))


def _values(each: SyncSet) -> dict[str, Any]:
    values = values_of(each, SET_FIELDS)
    return values | {name: values[name].splitlines() for name in LISTS}


def _told(each: SyncSet) -> dict[str, Any]:
    return {"name": each.name} | place_of(each) | _values(each)


def _overrides_of(rows: Iterable[SyncSet]) -> Mapping[UUID, Overrides]:
    """By set and by organization; of those that have left a set nothing is told."""
    found: defaultdict[UUID, Overrides] = defaultdict(dict)
    members = Member.objects.filter(set__in=[row.pk for row in rows]).exclude(state=State.LEFT).exclude(overrides={})
    for set_id, org_id, said in members.order_by("org_id").values_list("set", "org_id", "overrides"):
        found[set_id][org_id] = said
    return found


def _take(entry: Entry, row: SyncSet, stored: SyncSet | None, before: Mapping[str, Any], comparing: Comparing) -> bool:
    """Takes over what the entry says; False if that cannot be."""
    lines = with_lines(entry, comparing)
    if lines is None or not comparing.set_place(KIND, row, lines, before):
        return False
    if not comparing.set_fields(KIND, lines, row, SET_FIELDS):
        return False
    changed = {name for name in EDITABLE if stored is None or getattr(stored, name) != getattr(row, name)}
    if row.connection._state.adding:
        # The document makes it; as a choice it is judged once it is there.
        changed.discard("connection")
    return _is_whole(entry, row, changed, comparing)


def _asks(entry: Entry, before: Mapping[str, Any]) -> bool:
    """Whether what becomes of the entry tells which organizations its connection reaches: by how many it takes, or by a
    name that stands for one."""
    said = [name for name in (*WHICH, "canaries") if entry.get(name) is not None]
    return not before or names_organizations(entry) or any(entry[name] != before[name] for name in said)


def _is_whole(entry: Entry, row: SyncSet, changed: Collection[str], comparing: Comparing) -> bool:
    try:
        check_set(row, changed)
    except EditRefused as error:
        comparing.blame(f"The {KIND} {entry['name']} cannot be as it says. {error.message}", entry.line_of(error.field))
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            told = f"The {KIND} {entry['name']} cannot be as it says. {name}: {' '.join(messages)}"
            comparing.faults.append(Fault(told, entry.line_of(name)))
    else:
        return True
    return False


def _takes_others(stored: SyncSet | None, row: SyncSet) -> bool:
    """Whether it says otherwise which organizations the set takes; then it was asked who may be told (`_asks`)."""
    return stored is None or any(getattr(stored, name) != getattr(row, name) for name in WHICH)


def _organizations(stored: SyncSet | None, row: SyncSet) -> Iterator[tuple[str, Any, Any]]:
    """How many the set takes, and which of them come and go, by what they are called."""
    if not _takes_others(stored, row):
        return
    now, wanted = set(taken_by(stored) if stored is not None else ()), set(taken_by(row))
    if now != wanted:
        yield ORGANIZATIONS, len(now), len(wanted)
    if comes := wanted - now:
        yield COMING, [], _named(comes)
    if goes := now - wanted:
        yield LEAVING, _named(goes), []


def _named(organizations: Collection[Reached]) -> list[str]:
    told = [f"{each.name} ({each.org_id})" if each.name else each.org_id for each in sorted(organizations)]
    return told if len(told) <= MOST_NAMED else [*told[:MOST_NAMED], f"and {len(told) - MOST_NAMED:,} more"]


def _delete(row: SyncSet, *, by: Actor, removes_secrets: bool) -> None:
    """What the document does not name goes: the syncs too, which would go on as ordinary ones that it does not name."""
    syncs = [] if removes_secrets else list(DevinSync.objects.filter(set_id=row.pk).values_list("pk", flat=True))
    delete_set(row.pk, by=by, removes_secrets=removes_secrets)
    for sync_id in syncs:
        delete_sync(sync_id, by=by, removes_secrets=False)


def _override(row: SyncSet, changes: Mapping[str, tuple[dict[str, Any], dict[str, Any]]], *, by: Actor) -> None:
    """By organization, what was found and what is wanted."""
    members = {member.org_id: member for member in row.members.filter(org_id__in=changes)}
    if missing := sorted(changes.keys() - members.keys()):
        raise EditRefused(f"The organization {missing[0]} is not in the set yet. Apply again in a minute.")
    for org_id, (found, wanted) in changes.items():
        if found and members[org_id].overrides != found:
            raise EditRefused(f"Somebody else has changed what holds for {org_id} alone. Compare again, then apply.")
        override(members[org_id].pk, {name: wanted.get(name) for name in Member.OVERRIDABLE}, by=by)
