"""By which ways a folder, or one secret, comes to other folders of its project. Pure, exact by key; opens no value.

what is read                       and so is read by
a folder as a whole                each folder that imports it, as a whole
a secret that a folder shows       each folder that imports that one, and shows this very secret
a secret                           each secret whose reference leads to it
a folder that a reference passes   the secret that refers
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from vault.references import Reference
from vault.resolution import Place


class Stored(NamedTuple):
    """A secret where it is stored."""

    id: UUID
    folder_id: UUID
    key: str


@dataclass(frozen=True)
class Shape:
    """What of a project is looked at: `imports` in their order, `secrets` by folder and key."""

    places: Mapping[UUID, Place]
    imports: Mapping[UUID, Sequence[UUID]]
    secrets: Mapping[tuple[UUID, str], UUID]
    references: Sequence[tuple[Stored, Reference]]

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

    def trail(self, folder_id: UUID, key: str) -> list[UUID]:
        """The folders from this one to the one that stores what it shows under the key; none where it shows nothing.

        A folder's own secret wins, then the last import, so the first that is met is the one. Cycles end of themselves.
        """
        came_from: dict[UUID, UUID | None] = {}
        waiting: list[tuple[UUID, UUID | None]] = [(folder_id, None)]
        while waiting:
            current, before = waiting.pop()
            if current in came_from:
                continue
            came_from[current] = before
            if (current, key) in self.secrets:
                return list(_back(current, came_from))[::-1]
            waiting.extend((source, current) for source in self.imports.get(current, ()))
        return []

    def trail_of(self, folder_id: UUID, reference: Reference) -> tuple[list[UUID], str]:
        """Which way a reference in a secret of this folder leads, and to which key, as a read resolves it."""
        here = self.trail(folder_id, reference.inner)
        if here or not reference.environment_slug:
            return here, reference.inner
        referred_id = self.ids.get(Place(reference.environment_slug, reference.path))
        return (self.trail(referred_id, reference.key) if referred_id else []), reference.key

    def brings(self, importer: UUID, source: UUID, key: str) -> bool:
        """Whether a folder shows a key by this import of its, rather than of its own or by a later one."""
        if (importer, key) in self.secrets:
            return False
        sources = self.imports[importer]
        return not any(self.trail(later, key) for later in sources[sources.index(source) + 1 :])


def _back(folder_id: UUID, came_from: Mapping[UUID, UUID | None]) -> Iterator[UUID]:
    current: UUID | None = folder_id
    while current is not None:
        yield current
        current = came_from[current]


@dataclass
class Way:
    """From one folder to the next: by an import, by the keys of secrets that refer, or both."""

    imports: bool = False
    referring: set[str] = field(default_factory=set)


@dataclass
class Ways:
    """`keys` says by folder what of the start it shows; None for a folder that is read as a whole."""

    start: UUID
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
        self._referrers: dict[UUID, list[tuple[Stored, UUID]]] = defaultdict(list)
        self._passing: list[tuple[Stored, UUID]] = []
        self._waiting: list[tuple[UUID, str, UUID]] = []
        self._seen: set[tuple[UUID, str]] = set()
        for secret, reference in shape.references:
            trail, found = shape.trail_of(secret.folder_id, reference)
            if trail:
                self._referrers[shape.secrets[trail[-1], found]].append((secret, trail[0]))
            if ways.start in trail:
                self._passing.append((secret, trail[0]))

    def walk(self, key: str | None) -> Ways:
        if key is None:
            self._take_whole()
        else:
            self._take(self._ways.start, key, self._shape.secrets[self._ways.start, key])
        while self._waiting:
            self._go_on(*self._waiting.pop())
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
        for secret, named in self._passing:
            self._take_referring(secret, named)

    def _take(self, folder_id: UUID, key: str, secret_id: UUID) -> None:
        if (folder_id, key) in self._seen:
            return
        self._seen.add((folder_id, key))
        self._waiting.append((folder_id, key, secret_id))
        keys = self._ways.keys.setdefault(folder_id, set())
        if keys is not None:
            keys.add(key)

    def _take_referring(self, secret: Stored, named: UUID) -> None:
        if named != secret.folder_id:
            self._ways.step(named, secret.folder_id).referring.add(secret.key)
        self._take(secret.folder_id, secret.key, secret.id)

    def _go_on(self, folder_id: UUID, key: str, secret_id: UUID) -> None:
        for importer in self._shape.importers.get(folder_id, ()):
            if self._shape.brings(importer, folder_id, key):
                self._ways.step(folder_id, importer).imports = True
                self._take(importer, key, secret_id)
        for secret, named in self._referrers.get(secret_id, ()):
            self._take_referring(secret, named)
