"""What a reader of a folder sees: imports merged, references expanded. Pure: no rows, and values only on request.

    a key that is in                    comes from
    the folder itself                   the folder itself
    several imports                     the last of them in the list
    an import of an import              that one, unless the nearer folder has it itself

A reference is looked up from the folder that its secret is stored in, wherever that secret is read; a key of that very
name, dots and all, wins over a place. No recursion: chains may be as long as they like. Only what is asked for is
resolved, and what can't be is an error that names secrets, never values.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from vault.errors import DuplicateKey, ReferenceCycle, ReferenceMissing
from vault.limits import MAX_VALUE_BYTES
from vault.references import BadReference, Reference, expand, find_references
from vault.suggestions import suggest


@dataclass(frozen=True)
class Place:
    environment_slug: str
    path: str

    def __str__(self) -> str:
        return f"{self.environment_slug}:{self.path}"


@dataclass(frozen=True)
class StoredSecret:
    """A secret where it is stored; opening its value is left to who needs it."""

    id: UUID
    key: str
    folder_id: UUID
    open: Callable[[], str] = field(repr=False, compare=False)
    is_literal: bool = False
    """Its value is taken as it is: `${…}` in it is text."""
    comment: str = field(default="", repr=False, compare=False)
    tags: frozenset[str] = field(default=frozenset(), compare=False)
    """Their slugs, where they were asked for."""


Visible = Mapping[str, StoredSecret]


class Resolver:
    def __init__(
        self,
        places: Mapping[UUID, Place],
        imports: Mapping[UUID, Sequence[UUID]],
        secrets: Iterable[StoredSecret],
        hidden: Container[UUID] = (),
    ) -> None:
        """Of the `hidden` folders whoever asks may see nothing: they are as if they were not there."""
        self._places = places
        self._hidden = hidden
        self._ids = {place: folder_id for folder_id, place in places.items() if folder_id not in hidden}
        self._imports = imports
        self._own: dict[UUID, dict[str, StoredSecret]] = {}
        for secret in secrets:
            if secret.folder_id in hidden:
                continue
            self._own.setdefault(secret.folder_id, {})[secret.key] = secret
        self._visible: dict[UUID, Visible] = {}
        self._raw: dict[UUID, str] = {}
        self._values: dict[UUID, str] = {}

    def own(self, folder_id: UUID) -> Visible:
        return self._own.get(folder_id, {})

    def imports(self, folder_id: UUID) -> Sequence[UUID]:
        return self._imports.get(folder_id, ())

    def hides(self, folder_id: UUID) -> bool:
        """Whether this one would show the secrets of another, if they were not hidden."""
        waiting, seen = [folder_id], {folder_id}
        while waiting:
            current = waiting.pop()
            if current in self._hidden:
                return True
            more = [source for source in self.imports(current) if source not in seen]
            seen.update(more)
            waiting += more
        return False

    def visible(self, folder_id: UUID) -> Visible:
        """What a folder shows, by key: its imports, in order, then its own."""
        # A dict is a stack that knows at once whether something is on it.
        waiting = {} if folder_id in self._visible else {folder_id: iter(self.imports(folder_id))}
        while waiting:
            current = next(reversed(waiting))
            source = next((source for source in waiting[current] if source not in self._visible), None)
            if source is None:
                self._visible[current] = self._merge(current)
                waiting.popitem()
            elif source in waiting:
                why = f"The imports of {self._places[current]} lead back to it. Remove one of them."
                raise ReferenceCycle(why, places=self._told(current))
            else:
                waiting[source] = iter(self.imports(source))
        return self._visible[folder_id]

    def visible_together(self, folder_ids: Iterable[UUID]) -> Visible:
        """What several folders show; a key that means two different secrets is an error."""
        found: dict[str, tuple[UUID, StoredSecret]] = {}
        for folder_id in folder_ids:
            for key, secret in self.visible(folder_id).items():
                other_id, other = found.setdefault(key, (folder_id, secret))
                if other.id != secret.id:
                    both = f"{self._places[other_id]} and in {self._places[folder_id]}"
                    raise DuplicateKey(
                        f"The key {key} is in {both}, which are read together. "
                        "Rename or delete one of them, or read without subfolders.",
                        places=self._told(other_id, folder_id),
                    )
        return {key: secret for key, (_, secret) in found.items()}

    def place(self, folder_id: UUID) -> Place:
        return self._places[folder_id]

    def value(self, secret: StoredSecret) -> str:
        """The value with all references expanded, those in the values referred to first."""
        known = self._values.get(secret.id)
        if known is None and "${" not in (raw := self.raw_value(secret)):
            # Most are like this, and need no look at what they might refer to.
            known = self._values[secret.id] = raw
        if known is not None:
            return known
        waiting = {secret.id: (secret, self._referred(secret))}
        while waiting:
            current, referred = waiting[next(reversed(waiting))]
            other = next((other for other in referred if other.id not in self._values), None)
            if other is None:
                self._values[current.id] = self._expand(current)
                waiting.popitem()
            elif other.id in waiting:
                chain = [secret for secret, _ in waiting.values()]
                self._meet_cycle(chain[[secret.id for secret in chain].index(other.id) :])
            else:
                waiting[other.id] = (other, self._referred(other))
        return self._values[secret.id]

    def raw_value(self, secret: StoredSecret) -> str:
        known = self._raw.get(secret.id)
        if known is None:
            known = self._raw[secret.id] = secret.open()
        return known

    def unresolved(self, secret: StoredSecret) -> tuple[str, ...]:
        """The references that were left as text in a value that was asked for: none, where they are errors."""
        return ()

    def _merge(self, folder_id: UUID) -> Visible:
        merged: dict[str, StoredSecret] = {}
        for source in self.imports(folder_id):
            merged |= self._visible[source]
        return merged | dict(self.own(folder_id))

    def _referred(self, secret: StoredSecret) -> Iterator[StoredSecret]:
        if secret.is_literal:
            return
        for reference in find_references(self.raw_value(secret)):
            if found := self._look_up(secret, reference):
                yield found

    def find(self, folder_id: UUID, reference: Reference) -> StoredSecret | None:
        """What a reference in a secret of this folder points to, if there is such a thing."""
        exact = self.visible(folder_id).get(reference.inner)
        if exact is not None or not reference.environment_slug:
            return exact
        referred_id = self._ids.get(Place(reference.environment_slug, reference.path))
        return self.visible(referred_id).get(reference.key) if referred_id else None

    def folders(self) -> Mapping[Place, UUID]:
        return self._ids

    def describe_missing(self, folder_id: UUID, reference: Reference) -> str:
        """What is lacking for a reference that points to nothing, and what it may have meant; two sentences."""
        place = Place(reference.environment_slug, reference.path)
        if not reference.environment_slug:
            place = self.place(folder_id)
        what = f"no secret {reference.key} in {place}" if place in self._ids else f"no folder {place}"
        other = suggest(self, folder_id, reference)
        hint = f"Did you mean {other}?" if other else "Create it, or correct the reference."
        return f"there is {what}. {hint} For the text itself write ${reference}."

    def _look_up(self, secret: StoredSecret, reference: Reference) -> StoredSecret | None:
        """None for what is no reference without a key of that name."""
        found = self.find(secret.folder_id, reference)
        if found is None and not reference.is_weak:
            missing = self.describe_missing(secret.folder_id, reference)
            why = f"{self._name(secret)} refers to {reference}, but {missing}"
            places = {*self._told(secret.folder_id), *self._meant(secret.folder_id, reference)}
            raise ReferenceMissing(why, secret_id=secret.id, places=places)
        return found

    def _expand(self, secret: StoredSecret) -> str:
        if secret.is_literal:
            return self.raw_value(secret)
        room = MAX_VALUE_BYTES

        def value_of(reference: Reference) -> str | None:
            nonlocal room
            found = self._look_up(secret, reference)
            if found is None:
                return None
            room -= len(self._values[found.id].encode())
            _check_room(room)
            return self._values[found.id]

        try:
            value = expand(self.raw_value(secret), value_of)
            _check_room(MAX_VALUE_BYTES - len(value.encode()))
        except BadReference as error:
            why = f"{self._name(secret)} can't be expanded: {error}. Change its value."
            raise ReferenceMissing(why, secret_id=secret.id, places=self._told(secret.folder_id)) from None
        return value

    def _name(self, secret: StoredSecret) -> str:
        return f"The secret {secret.key} in {self.place(secret.folder_id)}"

    def _meet_cycle(self, circle: list[StoredSecret]) -> None:
        """Each of these refers to the next, and the last to the first."""
        keys = [secret.key for secret in circle]
        shown = [*keys[:10], "…"] if len(keys) > 10 else keys
        chain = " → ".join([*shown, circle[0].key])
        why = f"{self._name(circle[0])} refers to itself: {chain}. Change one of these references."
        raise ReferenceCycle(why, secret_id=circle[0].id, places=self._told(*(one.folder_id for one in circle)))

    def _told(self, *folder_ids: UUID) -> set[tuple[str, str]]:
        return {(place.environment_slug, place.path) for place in map(self.place, folder_ids)}

    def _meant(self, folder_id: UUID, reference: Reference) -> set[tuple[str, str]]:
        """Where it leads, and what is said to be near."""
        named = (reference, suggest(self, folder_id, reference))
        return {(each.environment_slug, each.path) for each in named if each is not None and each.environment_slug}


def _check_room(room: int) -> None:
    """What is sent is bounded as what is stored is: in bytes."""
    if room < 0:
        raise BadReference(f"its references make it longer than {MAX_VALUE_BYTES:,} bytes")
