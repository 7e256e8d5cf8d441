"""What other syncs of an organization hold, and what they want. Reads; writes nothing."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import Q

from connections.devin.types import RemoteSecret
from sources.finding import PATIENCE
from syncs import places
from syncs.choices import LOOSEN, loosens
from syncs.engine.changes import Others, Unread, Wanter
from syncs.engine.notes import Tag
from syncs.engine.source import list_source_keys
from syncs.engine.tags import is_genuine
from syncs.errors import SourceProblem
from syncs.models import Destination, DevinSync, ManagedSecret, WriteIntent
from syncs.naming import Naming
from vault.access import has_members

OF_SYNC = ("sync__name", "sync__project_id", "sync__is_enabled", "sync__approval")
HELD = ("destination_key", "secret_id", "sync_id", *OF_SYNC)
TELLING = tuple(f"sync__{name}" for name in places.TELLING)
WAITS = f"its runs wait for another person, so that taking from it takes {LOOSEN}"
AT_ONCE = 100


def others_of(
    sync: DevinSync,
    destination: Destination,
    existing: Sequence[RemoteSecret],
    *,
    instance: str,
    own_ids: Collection[str] = (),
) -> Others:
    """What other syncs manage here, by the ledger and by the tags of this installation's other syncs.

    `instance` is this installation's id. `own_ids` are this sync's by the ledger, whatever their tags say: it may have
    been given them by another.
    """
    ledger = ManagedSecret.objects.filter(destination_id=destination.pk).exclude(sync_id=sync.pk)
    opening = WriteIntent.objects.open().filter(destination_id=destination.pk).exclude(sync_id=sync.pk)
    held = [*opening.values_list(*HELD, *TELLING), *ledger.order_by().values_list(*HELD, *TELLING)]
    names, stopped, is_named = {}, {}, not has_members(sync.project_id) if held else True
    for key, _, _, name, project_id, is_enabled, approval, *telling in held:
        names[key] = name if is_named or project_id == sync.project_id else ""
        why = why_stopped(is_enabled=is_enabled, has_source=places.has_source(*telling))
        stopped[key] = f"{why}, and {WAITS}" if why and loosens(approval, sync.approval) else why
    ids = {secret_id for _, secret_id, *_ in held if secret_id}
    # What the ledger tells, no tag need tell: a signature each is the dearest part of a plan.
    untold = [secret for secret in existing if secret.secret_id not in ids and secret.secret_id not in own_ids]
    tagged = _tagged(sync, instance, untold, known={owner for _, _, owner, *_ in held})
    return Others(
        names_by_key=names,
        secret_ids=frozenset(ids | tagged),
        stopped={key: why for key, why in stopped.items() if why},
    )


def name_in(project_id: UUID, other: DevinSync) -> str:
    """What a sync is called to those who see another of this project: "" if they may not see it.

    Who sees one without being a member of its project sees all.
    """
    return other.name if other.project_id == project_id or not has_members(project_id) else ""


def why_stopped(*, is_enabled: bool, has_source: bool) -> str:
    """Why a sync cannot let go of a key by itself, "" if it can."""
    if not is_enabled:
        return "it is disabled"
    return "" if has_source else "its source is gone"


def _tagged(sync: DevinSync, instance: str, existing: Sequence[RemoteSecret], *, known: set[UUID]) -> set[str]:
    """The ids of secrets whose notes name another sync that there is."""
    tags = {
        secret.secret_id: tag.sync
        for secret in existing
        if (tag := Tag.read(secret.note))
        and tag.instance == instance
        and tag.sync != sync.short_id
        and is_genuine(tag, secret.key or "")
    }
    there = {owner.hex[:8] for owner in known}
    there |= _short_ids_there_are(set(tags.values()) - there)
    return {secret_id for secret_id, short_id in tags.items() if short_id in there}


def _short_ids_there_are(short_ids: Collection[str]) -> set[str]:
    """Those with which the id of a sync begins. By ranges of the primary key, however many syncs there are."""
    found = set()
    ordered = sorted(short_ids)
    for start in range(0, len(ordered), AT_ONCE):
        ranges = Q()
        for short_id in ordered[start : start + AT_ONCE]:
            ranges |= Q(pk__range=(UUID(short_id + "0" * 24), UUID(short_id + "f" * 24)))
        found |= {pk.hex[:8] for pk in DevinSync.objects.filter(ranges).values_list("pk", flat=True)}
    return found


def with_wanters(others: Others, sync: DevinSync, destination: Destination, *, keys: Collection[str]) -> Others:
    """With the live syncs of the same organization whose sources have these keys, and with those that may have them,
    because their sources cannot be read; the very same if there are none."""
    if not keys:
        return others
    wanters: dict[str, Wanter] = {}
    unread: list[Unread] = []
    listings = Listings()
    for other in live_neighbours(sync, destination):
        try:
            for key, source_key in wanted_keys(other, among=keys, listings=listings):
                wanters.setdefault(key, Wanter(other.pk, name_in(sync.project_id, other), source_key))
        except SourceProblem as problem:
            unread.append(_unread(other, problem, to=sync))
    return replace(others, wanters=wanters, unread=tuple(unread)) if wanters or unread else others


def live_neighbours(sync: DevinSync, destination: Destination) -> Iterable[DevinSync]:
    there = DevinSync.objects.live().filter(org_id=destination.org_id, connection__base_url=destination.base_url)
    return there.exclude(pk=sync.pk).with_source().order_by("created_at", "pk")


class Listings:
    """The keys of places, each asked for once, however many syncs read it; and a project that does not answer, too.

    With a person's patience, whoever waits: another's source shall not keep a sync for long.
    """

    def __init__(self) -> None:
        self._told: dict[Hashable, Mapping[str, Collection[str]] | SourceProblem] = {}
        self._away: dict[UUID, SourceProblem] = {}

    def keys_of(self, sync: DevinSync) -> Mapping[str, Collection[str]]:
        """With the tags of each, where the sync chooses by them. Raises SourceProblem."""
        place = (sync.project_id, sync.place, sync.place.folder_id, sync.recursive, sync.chooses_by_tags)
        if place not in self._told:
            self._told[place] = self._away.get(sync.project_id) or self._ask(sync)
        told = self._told[place]
        if isinstance(told, SourceProblem):
            raise told
        return told

    def _ask(self, sync: DevinSync) -> Mapping[str, Collection[str]] | SourceProblem:
        try:
            return list_source_keys(sync, patience=PATIENCE)
        except SourceProblem as problem:
            if problem.retryable:
                self._away[sync.project_id] = problem
            return problem


def wanted_keys(sync: DevinSync, *, among: Collection[str], listings: Listings) -> Iterator[tuple[str, str]]:
    """The keys among these that the sync's source has, each with its key there. No value is opened.

    Raises SourceProblem if the source cannot be read: then nobody knows.
    """
    naming = Naming.of(sync)
    if not sync.has_source or not any(naming.matches(key) for key in among):
        return
    for source_key, tags in listings.keys_of(sync).items():
        if naming.takes(source_key, tags) and (key := naming.render(source_key)) in among:
            yield key, source_key


def _unread(sync: DevinSync, problem: SourceProblem, *, to: DevinSync) -> Unread:
    """What keeps its source from being read names what is there: for those alone who see it."""
    name = name_in(to.project_id, sync)
    return Unread(
        sync.pk,
        name,
        problem.message if name else "its source cannot be read.",
        matches=Naming.of(sync).matches,
        may_pass=problem.retryable,
        seconds=problem.retry_after.total_seconds() if problem.retry_after else 0,
    )
