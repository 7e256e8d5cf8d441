"""What a change would do to those who read the vault: found by making it and taking it back.

So one rule holds for every kind of change, whatever it moves, hides or cuts. The vault knows none of its readers; who
reads it registers a `Watcher`. Nothing of a change that is tried is announced, so that no reader starts for it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import astuple, dataclass, field, replace
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from vault.affected import find_affected_keys, load_edges
from vault.dangling import Dangling, find_dangling
from vault.models import Folder, Secret
from vault.signals import Aspect, contents_changed
from vault.values import opening_once


@dataclass(frozen=True)
class Effect:
    """What becomes of one reader: by its own names, never a value.

    `problem` says why it could not read any more; `remark` when this happens, or why it does not. A `note` stands
    alone, for readers of whom no more is told: they have no `id`. What `is_grave` is asked about in any case.
    """

    reader: str
    url: str
    creates: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    deletes: tuple[str, ...] = ()
    where: str = ""
    problem: str = ""
    remark: str = ""
    note: str = ""
    id: UUID | None = None
    is_grave: bool = False


@dataclass(frozen=True)
class View:
    """What a reader gets, by its own names, and why it gets nothing. `origins` are the secrets that it comes from, and
    `words` their comments, where it takes these too.

    `reader` is what its watcher knows it by.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    origins: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""
    reader: Any = None

    def without_values(self) -> "View":
        """For whoever may not read them: equal values must not be told from others."""
        return replace(self, values=self.origins)


@dataclass(frozen=True)
class Foresight:
    """What a change would do: to its readers, and which references would lead nowhere that lead somewhere now, or are
    not there yet; whether anybody reads them or not."""

    effects: list[Effect]
    dangling: list[Dangling]


@dataclass(frozen=True)
class Started:
    """Something that a change has set going: where it is seen, and `live_url`, a part of a page that says how it
    stands."""

    reader: str
    url: str
    live_url: str


class Watcher(Protocol):
    """Whoever reads the vault. Readers are known by an id of their own."""

    def readers_of(self, folder_ids: Collection[UUID], aspect: Aspect) -> Collection[UUID]:
        """Those of these folders to whom this matters of what is there."""

    def view(self, readers: Collection[UUID]) -> Mapping[UUID, View]:
        """What each of them would get now, in the order in which they are told. Writes nothing."""

    def compare(self, before: Mapping[UUID, View], after: Mapping[UUID, View]) -> list[Effect]: ...

    def reach(self, keys: Mapping[Folder, Collection[str]]) -> list[Effect]:
        """What other values of these keys of folders do to its readers, by names alone."""

    def more(self, count: int) -> Effect:
        """So many more readers are reached, which nobody looked at."""

    def seen_by(self, user: User, readers: Collection[UUID]) -> Collection[UUID]:
        """Those that somebody may see."""

    def failures(self, secret_id: UUID, user: User) -> list[Started]:
        """Its readers that have last not been able to read, because of this secret; those that the user may see."""

    def describe(self, ids: Collection[UUID], user: User) -> list[Started]:
        """What its receiver of the signal has answered to have started, as far as the user may see it."""


# Each is read twice, while the change that is tried holds the project: of thousands nobody would see the end.
MOST_READ = 20
# Two ids are compared by it in a fifth of the time, to the same order.
_number = attrgetter("int")


_watchers: list[Watcher] = []
# The readers that a tried change would reach, for each watcher; None while changes are meant.
_tried: ContextVar[list[set[UUID]] | None] = ContextVar("tried", default=None)
# The projects that a tried change has changed; None while changes are meant.
_projects: ContextVar[set[UUID] | None] = ContextVar("projects", default=None)
# The ids of what the changes of this request have started; None where nobody asks.
_started: ContextVar[list[UUID] | None] = ContextVar("started", default=None)


def watch(watcher: Watcher) -> None:
    if watcher not in _watchers:
        _watchers.append(watcher)


def tell(folder_ids: set[UUID], user: User | None, aspect: Aspect = Aspect.CONTENTS) -> None:
    """Announces what a change reaches, to all who listen; of a tried one only the readers are noted."""
    tried = _tried.get()
    if tried is None:
        answers: list[Any] = contents_changed.send(sender=Folder, folder_ids=folder_ids, user=user, aspect=aspect)
        if (started := _started.get()) is not None:
            started.extend(one for _, ids in answers for one in ids or () if isinstance(one, UUID))
        return
    for readers, watcher in zip(tried, _watchers, strict=True):
        readers.update(watcher.readers_of(folder_ids, aspect))


def note_project(project_id: UUID) -> None:
    """Of a change that is only tried: where to look for references that it cuts."""
    if (projects := _projects.get()) is not None:
        projects.add(project_id)


def is_tried() -> bool:
    """Whether what is done now is only tried, and taken back."""
    return _tried.get() is not None


@contextmanager
def noting_what_starts() -> Iterator[None]:
    token = _started.set([])
    try:
        yield
    finally:
        _started.reset(token)


def what_started(user: User) -> list[Started]:
    """By the changes since `noting_what_starts` was entered."""
    ids = list(dict.fromkeys(_started.get() or ()))
    return [started for watcher in _watchers for started in watcher.describe(ids, user)] if ids else []


def foresee(edit: Callable[[], object], *, compares_values: bool) -> list[Effect]:
    return foresee_all(edit, compares_values=compares_values).effects


def foresee_all(edit: Callable[[], object], *, compares_values: bool) -> Foresight:
    """What `edit`, one call of `vault.editing` on rows of its own, would do. Raises what it raises.

    Waits for the project as the change itself would, and leaves nothing behind. Without the right to read values,
    another secret passes for another value.
    """
    reached: list[set[UUID]] = [set() for _ in _watchers]
    with opening_once():
        with _trying(reached) as projects, transaction.atomic():
            edit()
            chosen = [set(nsmallest(MOST_READ, readers, key=_number)) for readers in reached]
            after, dangling = _views(chosen), find_dangling(projects)
            transaction.set_rollback(True)
        before = _views(chosen)
    known = {(one.secret_id, one.reference) for one in find_dangling(projects)} if dangling else set()
    new = [one for one in dangling if (one.secret_id, one.reference) not in known]
    effects = _compared(before, after, reached, compares_values=compares_values)
    return Foresight(effects, sorted(new, key=lambda one: (one.where, one.key, one.reference)))


@contextmanager
def _trying(reached: list[set[UUID]]) -> Iterator[set[UUID]]:
    """What is done within it is not announced. Answers the projects that it changes."""
    projects: set[UUID] = set()
    tried, changed = _tried.set(reached), _projects.set(projects)
    try:
        yield projects
    finally:
        _tried.reset(tried)
        _projects.reset(changed)


def _compared(
    before: list[Mapping[UUID, View]],
    after: list[Mapping[UUID, View]],
    reached: list[set[UUID]],
    *,
    compares_values: bool,
) -> list[Effect]:
    if not compares_values:
        before, after = _without_values(before), _without_values(after)
    compared = (watcher.compare(*both) for watcher, *both in zip(_watchers, before, after, strict=True))
    more = (
        watcher.more(len(readers) - MOST_READ)
        for watcher, readers in zip(_watchers, reached, strict=True)
        if len(readers) > MOST_READ
    )
    return [*(effect for effects in compared for effect in effects), *more]


def reach_of(folder: Folder, key: str) -> list[Effect]:
    """What another value of a key does to the readers. Told from names alone: nothing is opened, tried or locked."""
    edges, start = load_edges(folder.environment.project_id), [(folder.id, key)]
    found = find_affected_keys(start, edges)
    rows = Secret.objects.filter(folder__in={each for each, _ in found}, key__in={each for _, each in found if each})
    found = find_affected_keys(start, edges, owned=set(rows.order_by().values_list("folder_id", "key")))
    folders = Folder.objects.select_related("environment").in_bulk({each for each, _ in found})
    keys: dict[Folder, set[str]] = {}
    for folder_id, name in found:
        if name is not None and folder_id in folders:
            keys.setdefault(folders[folder_id], set()).add(name)
    return [effect for watcher in _watchers for effect in watcher.reach(keys)]


def failures_of(secret_id: UUID, user: User) -> list[Started]:
    return [failure for watcher in _watchers for failure in watcher.failures(secret_id, user)]


def split_effects(effects: Sequence[Effect], user: User) -> tuple[list[Effect], list[Effect]]:
    """Those of readers that somebody sees, and the others."""
    ids = {effect.id for effect in effects if effect.id is not None}
    seen = {id_ for watcher in _watchers for id_ in watcher.seen_by(user, ids)} if ids else set()
    shown = [effect for effect in effects if effect.id is None or effect.id in seen]
    return shown, [effect for effect in effects if effect not in shown]


def digest(effects: Iterable[Effect], dangling: Iterable[Dangling] = ()) -> str:
    """The same for the same effects: tells whether those that a person has seen are those that would be.

    A secret that is only tried has another id each time.
    """
    cut = [(one.where, one.key, one.reference) for one in dangling]
    return hashlib.sha256(repr([*(astuple(effect) for effect in effects), *cut]).encode()).hexdigest()


def _views(reached: list[set[UUID]]) -> list[Mapping[UUID, View]]:
    return [watcher.view(readers) for watcher, readers in zip(_watchers, reached, strict=True)]


def _without_values(views: list[Mapping[UUID, View]]) -> list[Mapping[UUID, View]]:
    return [{reader: view.without_values() for reader, view in each.items()} for each in views]
