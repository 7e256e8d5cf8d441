"""By which ways a folder, or one secret, comes to other folders of its project. Pure, exact by key; opens no value.

what is read                       and so is read by
a folder as a whole                each folder that imports it, as a whole
a secret that a folder shows       each folder that imports that one, and shows this very secret
a secret                           each secret whose reference leads to it
a folder that a reference passes   the secret that refers
"""

from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from vault.references import Reference
from vault.resolution import Place

# Secrets as folders show them. Only where thousands of folders import one another there are more: the near ones count.
MOST_STEPS = 100_000


class Stored(NamedTuple):
    """A secret where it is stored."""

    id: UUID
    folder_id: UUID
    key: str


@dataclass(frozen=True)
class Shape:
    """What of a project is looked at: `imports` in their order, `secrets` by folder and key, `tags` by secret."""

    places: Mapping[UUID, Place]
    imports: Mapping[UUID, Sequence[UUID]]
    secrets: Mapping[tuple[UUID, str], UUID]
    references: Sequence[tuple[Stored, Reference]]
    tags: Mapping[UUID, Collection[str]] = field(default_factory=dict)

    @cached_property
    def importers(self) -> Mapping[UUID, Sequence[UUID]]:
        found: dict[UUID, list[UUID]] = defaultdict(list)
        for folder_id, sources in self.imports.items():
            for source in sources:
                found[source].append(folder_id)
        return found

    @cached_property
    def ids(self) -> Mapping[Place, UUID]:
        return {place: folder_id for folder_id, place in self.places.items()}

    @cached_property
    def _known(self) -> dict[tuple[UUID, str], UUID]:
        """What has been looked up: the folder to go on to, itself where it stores the key."""
        return {}

    def next_to(self, folder_id: UUID, key: str) -> UUID | None:
        """Where a folder has from what it shows under the key: itself, or an import; None where it shows nothing.

        Its own secret wins, then the last import, so the first that is met is the one. Cycles end of themselves.
        """
        if (folder_id, key) not in self._known:
            self._look_up(folder_id, key)
        return self._known.get((folder_id, key))

    def tags_of(self, folder_id: UUID, key: str) -> Collection[str]:
        """Those of the secret that a folder shows under the key, where it is stored."""
        stored_in = self.next_to(folder_id, key)
        while stored_in is not None and (stored_in, key) not in self.secrets:
            stored_in = self.next_to(stored_in, key)
        return self.tags.get(self.secrets[stored_in, key], ()) if stored_in is not None else ()

    def _look_up(self, folder_id: UUID, key: str) -> None:
        came_from: dict[UUID, UUID | None] = {}
        waiting: list[tuple[UUID, UUID | None]] = [(folder_id, None)]
        while waiting:
            current, before = waiting.pop()
            if current in came_from:
                continue
            came_from[current] = before
            is_own = (current, key) in self.secrets
            if is_own or (current, key) in self._known:
                self._note(current if is_own else self._known[current, key], current, key, came_from)
                return
            waiting.extend((source, current) for source in self.imports.get(current, ()))

    def _note(self, to: UUID, folder_id: UUID, key: str, came_from: Mapping[UUID, UUID | None]) -> None:
        """The whole way that was found, so that a chain is not walked again from each of its folders."""
        here: UUID | None = folder_id
        while here is not None:
            self._known[here, key] = to
            to, here = here, came_from[here]

    def target_of(self, folder_id: UUID, reference: Reference) -> tuple[UUID, str] | None:
        """The folder and key that a reference in a secret of this folder means, as a read resolves it."""
        if self.next_to(folder_id, reference.inner) is not None:
            return folder_id, reference.inner
        if not reference.environment_slug:
            return None
        referred_id = self.ids.get(Place(reference.environment_slug, reference.path))
        is_there = referred_id is not None and self.next_to(referred_id, reference.key) is not None
        return (referred_id, reference.key) if referred_id is not None and is_there else None

    def brings(self, importer: UUID, source: UUID, key: str) -> bool:
        """Whether a folder shows a key by this import of its, rather than of its own or by a later one."""
        if (importer, key) in self.secrets:
            return False
        sources = self.imports[importer]
        return all(self.next_to(later, key) is None for later in sources[sources.index(source) + 1 :])


@dataclass
class Way:
    """From one folder to the next: by an import, by the keys of secrets that refer, or both."""

    imports: bool = False
    referring: set[str] = field(default_factory=set)


@dataclass
class Ways:
    """`keys` says by folder what of the start it shows; None for a folder that is read as a whole.

    `is_cut` if there is more than `MOST_STEPS`, so that all counts are "at least".
    """

    start: UUID
    is_cut: bool = False
    keys: dict[UUID, set[str] | None] = field(default_factory=dict)
    steps: dict[UUID, dict[UUID, Way]] = field(default_factory=dict)

    def step(self, here: UUID, there: UUID) -> Way:
        return self.steps.setdefault(here, {}).setdefault(there, Way())


def find_ways(shape: Shape, start: UUID, key: str | None = None) -> Ways:
    """From a folder, or from one secret that it stores."""
    return _Walk(shape, Ways(start)).walk(key)


class _Walk:
    def __init__(self, shape: Shape, ways: Ways) -> None:
        self._shape, self._ways = shape, ways
        # By the folder and key that a reference means: the secrets that refer so.
        self._referrers: dict[tuple[UUID, str], list[Stored]] = defaultdict(list)
        self._passing: dict[tuple[UUID, str], bool] = {}
        self._waiting: deque[tuple[UUID, str]] = deque()
        self._seen: set[tuple[UUID, str]] = set()
        for secret, reference in shape.references:
            if target := shape.target_of(secret.folder_id, reference):
                self._referrers[target].append(secret)

    def walk(self, key: str | None) -> Ways:
        if key is None:
            self._take_whole()
        else:
            self._take(self._ways.start, key)
        while self._waiting and len(self._seen) < MOST_STEPS:
            self._go_on(*self._waiting.popleft())
        self._ways.is_cut = bool(self._waiting)
        return self._ways

    def _take_whole(self) -> None:
        waiting = [self._ways.start]
        self._ways.keys[self._ways.start] = None
        while waiting:
            here = waiting.pop()
            for importer in self._shape.importers.get(here, ()):
                self._ways.step(here, importer).imports = True
                if importer not in self._ways.keys:
                    self._ways.keys[importer] = None
                    waiting.append(importer)
        for (named, key), secrets in self._referrers.items():
            if self._passes_start(named, key):
                self._take_referring(named, secrets)

    def _passes_start(self, folder_id: UUID, key: str) -> bool:
        """Whether what a folder shows under the key comes through the start."""
        here, way = folder_id, []
        while (here, key) not in self._passing:
            way.append(here)
            following = self._shape.next_to(here, key)
            self._passing[here, key] = here == self._ways.start
            if here == self._ways.start or following in (None, here):
                break
            here = following
        self._passing.update({(each, key): self._passing[here, key] for each in way})
        return self._passing[folder_id, key]

    def _take(self, folder_id: UUID, key: str) -> None:
        if (folder_id, key) in self._seen:
            return
        self._seen.add((folder_id, key))
        self._waiting.append((folder_id, key))
        keys = self._ways.keys.setdefault(folder_id, set())
        if keys is not None:
            keys.add(key)

    def _take_referring(self, named: UUID, secrets: Sequence[Stored]) -> None:
        for secret in secrets:
            if named != secret.folder_id:
                self._ways.step(named, secret.folder_id).referring.add(secret.key)
            self._take(secret.folder_id, secret.key)

    def _go_on(self, folder_id: UUID, key: str) -> None:
        for importer in self._shape.importers.get(folder_id, ()):
            if self._shape.brings(importer, folder_id, key):
                self._ways.step(folder_id, importer).imports = True
                self._take(importer, key)
        self._take_referring(folder_id, self._referrers.get((folder_id, key), ()))
