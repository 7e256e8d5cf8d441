"""A folder's own secrets as they were at a time, and what it would take to have them so again. Writes nothing.

Told from what is kept: the versions of the secrets that are there, and the trash.

    at that time                            today                       restoring it
    at another version                      there                       changes it back, as a new version
    there                                   in the trash                creates it again, at the version of that time
    not there yet                           there                       deletes it, into the trash
    at a version that is kept no more       there                       leaves it, and says so

A key and a place are no part of a version: a secret that was renamed goes by its present key, and one that was moved
here, or back from the trash, counts as one of this folder all along. Imports and folders have no history.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from vault.errors import Unreadable
from vault.models import Folder, Secret, SecretVersion, TrashedRow, TrashEntry
from vault.trash import in_trash, is_on, table_of
from vault.values import open_value, open_version

MOMENTS = 50
FEW = 500
SECRETS, VERSIONS = table_of(Secret), table_of(SecretVersion)


class Kind(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One secret: `now` and `then` are versions; `entry` is where it waits in the trash."""

    kind: Kind
    key: str
    secret: UUID
    now: int = 0
    then: int = 0
    entry: UUID | None = None


@dataclass(frozen=True)
class FolderPlan:
    """`unknown` are keys whose version of that time is gone; `taken` those that another secret has today."""

    folder: UUID
    at: datetime
    steps: tuple[Step, ...]
    unknown: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    # All that it was made from: another plan of another state is another plan, whatever its steps.
    state: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    def of(self, kind: Kind) -> list[Step]:
        return [step for step in self.steps if step.kind == kind]

    @property
    def same(self) -> int:
        """How many secrets it leaves as they are, because they were so."""
        live = sum(1 for row in self.state if row[0] == "live")
        return live - len(self.of(Kind.CHANGE)) - len(self.of(Kind.DELETE)) - len(self.unknown)

    @property
    def digest(self) -> str:
        told = astuple(replace(self, at=self.at.astimezone(UTC)))
        return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass(frozen=True)
class Moment:
    """What happened within one second, and the time right before."""

    at: datetime
    before: datetime
    keys: tuple[str, ...]
    deleted: tuple[str, ...]


@dataclass(frozen=True)
class _Gone:
    """A secret in the trash."""

    entry: TrashEntry
    made_at: datetime
    versions: list[tuple[int, datetime]]


def plan_restore(folder: Folder, at: datetime, *, compares_values: bool) -> FolderPlan:
    """Without the right to read values, another version passes for another value."""
    live = list(Secret.objects.filter(folder=folder).select_related("folder__environment").order_by("key", "pk"))
    versions = _versions_of(folder)
    deletes, changes, unknown = [], [], []
    for secret in live:
        then = _version_at(versions[secret.pk], at)
        if secret.created_at > at:
            deletes.append(Step(Kind.DELETE, secret.key, secret.pk, now=secret.version))
        elif then is None:
            unknown.append(secret.key)
        elif then != secret.version:
            changes.append(Step(Kind.CHANGE, secret.key, secret.pk, now=secret.version, then=then))
    if compares_values:
        changes = _without_equal(changes, {secret.pk: secret for secret in live})
    gone = _gone_from(folder)
    staying = {secret.key for secret in live} - {step.key for step in deletes}
    creates, lost, taken = _creates(gone, at, staying)
    state: list[tuple[str, ...]] = [("live", str(each.pk), each.key, str(each.version)) for each in live]
    state += [("gone", str(each.entry.pk)) for each in gone]
    steps = (*creates, *changes, *deletes)
    return FolderPlan(folder.pk, at, steps, (*unknown, *lost), tuple(taken), tuple(sorted(state)))


def moments(folder: Folder) -> list[Moment]:
    """When something changed, the latest first, as far as it is known."""
    found: dict[datetime, list[tuple[datetime, str, bool]]] = defaultdict(list)
    rows = SecretVersion.objects.filter(secret__folder=folder).order_by("-created_at")
    events = [(at, key, False) for at, key in rows.values_list("created_at", "secret__key")[:FEW]]
    for each in _gone_from(folder):
        events += [(at, each.entry.name, False) for _, at in each.versions]
        events.append((each.entry.deleted_at, each.entry.name, True))
    for event in events:
        found[event[0].replace(microsecond=0)].append(event)
    return [_moment(second, found[second]) for second in sorted(found, reverse=True)[:MOMENTS]]


def reach() -> tuple[datetime | None, datetime | None]:
    """From when on deleted secrets, and replaced versions, are known; None for never and for always."""
    now = timezone.now()
    trash = now - settings.TRASH_KEPT if is_on() else None
    return trash, now - settings.SECRET_VERSIONS_KEPT if settings.SECRET_VERSIONS_KEPT else None


def _moment(second: datetime, events: list[tuple[datetime, str, bool]]) -> Moment:
    changed = sorted({key for _, key, is_deleted in events if not is_deleted})
    deleted = sorted({key for _, key, is_deleted in events if is_deleted})
    before = min(at for at, _, _ in events) - timedelta(microseconds=1)
    return Moment(second, before, tuple(changed), tuple(deleted))


def _versions_of(folder: Folder) -> dict[UUID, list[tuple[int, datetime]]]:
    found: dict[UUID, list[tuple[int, datetime]]] = defaultdict(list)
    rows = SecretVersion.objects.filter(secret__folder=folder).order_by("version")
    for secret_id, version, at in rows.values_list("secret_id", "version", "created_at"):
        found[secret_id].append((version, at))
    return found


def _version_at(versions: list[tuple[int, datetime]], at: datetime) -> int | None:
    return max((version for version, made_at in versions if made_at <= at), default=None)


def _without_equal(changes: list[Step], live: Mapping[UUID, Secret]) -> list[Step]:
    """Those that would make another value, comment or switch."""
    there: dict[tuple[UUID, int], SecretVersion] = {}
    for start in range(0, len(changes), FEW):
        ids = [step.secret for step in changes[start : start + FEW]]
        there |= {(row.secret_id, row.version): row for row in SecretVersion.objects.filter(secret__in=ids)}
    return [step for step in changes if not _is_same(live[step.secret], there[step.secret, step.then])]


def _is_same(secret: Secret, old: SecretVersion) -> bool:
    try:
        is_same = open_version(old, key=secret.key) == open_value(secret)
    except Unreadable:
        return False
    return is_same and (old.is_literal, old.comment) == (secret.is_literal, secret.comment)


def _gone_from(folder: Folder) -> list[_Gone]:
    """What was deleted out of the folder by itself, and waits in the trash."""
    entries = list(in_trash().filter(kind=TrashEntry.Kind.SECRET, folder=folder.pk).order_by("deleted_at", "pk"))
    made: dict[UUID, datetime] = {}
    versions: dict[UUID, list[tuple[int, datetime]]] = defaultdict(list)
    for start in range(0, len(entries), FEW):
        rows = TrashedRow.objects.filter(entry__in=entries[start : start + FEW], table__in=(SECRETS, VERSIONS))
        for entry_id, table, columns in rows.order_by("pk").values_list("entry_id", "table", "columns").iterator():
            at = _time(columns["created_at"])
            if table == SECRETS:
                made[entry_id] = at
            else:
                versions[entry_id].append((int(columns["version"]), at))
    return [_Gone(entry, made[entry.pk], versions[entry.pk]) for entry in entries if entry.pk in made]


def _creates(gone: list[_Gone], at: datetime, staying: set[str]) -> tuple[list[Step], list[str], list[str]]:
    """Those that were there then and are gone; keys of which no version of then is left; keys that are taken."""
    creates: list[Step] = []
    lost, taken, keys = [], [], set(staying)
    for each in gone:
        if not each.made_at <= at < each.entry.deleted_at:
            continue
        then, key = _version_at(each.versions, at), each.entry.name
        if then is None:
            lost.append(key)
        elif key in keys:
            taken.append(key)
        else:
            keys.add(key)
            newest = max(version for version, _ in each.versions)
            creates.append(Step(Kind.CREATE, key, each.entry.item, newest, then, each.entry.pk))
    return creates, lost, taken


def _time(text: str) -> datetime:
    time = parse_datetime(text)
    if time is None:
        raise Unreadable("The trash holds a time that is none. Run `manage.py verify_vault`.")
    return time
