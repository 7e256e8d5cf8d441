"""What a source of secrets can do, whichever its kind. Everything above speaks to this and to a `Place`.

A source is opened for one project. Its answers are whole or an error (`sources.errors`), never a smaller set: what is
missing from an answer would be deleted from Devin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from sources.errors import SourceError

ROOT = "/"


@dataclass(frozen=True)
class Place:
    """A folder in an environment of a project, as its source spells them. The path begins with "/" and ends without.

    `folder_id` is the source's own, where whoever made the place knows it. A source may go by it instead of by the
    names, so that nothing is read from another folder that has taken a name over; it is no part of what a place is.
    """

    environment_slug: str
    path: str = ROOT
    folder_id: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.environment_slug}:{self.path}"

    def contains(self, other: "Place") -> bool:
        """Whether a recursive read of this place reads the other."""
        same = self.environment_slug == other.environment_slug
        return same and (other.path == self.path or other.path.startswith(self.path.rstrip("/") + "/"))


@dataclass(frozen=True)
class EnvironmentEntry:
    """An environment to choose. `id` is the source's own and stays the same when it is renamed, where it has one."""

    slug: str
    name: str
    id: str = ""


@dataclass(frozen=True)
class FolderEntry:
    """A folder to choose. `id` as with an environment."""

    path: str
    id: str = ""


@dataclass(frozen=True)
class Found:
    """A place that its source has, with what it says of the environment. Two are equal if the place is the same."""

    place: Place
    environment: EnvironmentEntry = field(compare=False)

    def __str__(self) -> str:
        return str(self.place)


@dataclass(frozen=True)
class SourceSecret:
    """One secret as a reader of a place sees it; `environment_slug` and `path` say where it is stored.

    `id` is the source's own, where it has one. `unresolved` are the references that stand as text in the value because
    they lead nowhere; where that is allowed. `remark` is what a person should know of the value, as a sentence that
    begins behind the keys: "no text in the source, so its JSON is given". `comment` is what the source says about the
    secret, "" where it says nothing or its kind has no comments. `tags` are those of a read that asked for them.
    """

    key: str
    value: str = field(repr=False)
    environment_slug: str
    path: str
    id: str = ""
    unresolved: tuple[str, ...] = ()
    remark: str = ""
    comment: str = field(default="", repr=False)
    tags: frozenset[str] = frozenset()


class Source(Protocol):
    """One project of a source, opened to be read. Whoever opened it closes it. One thread at a time."""

    def list_environments(self, *, search: str = "") -> Sequence[EnvironmentEntry]:
        """Those that may be read, in the source's order."""

    def list_folders(self, environment_slug: str, *, search: str = "") -> Sequence[FolderEntry]:
        """All of an environment by path, the root first. Raises PlaceMissing if there is no such environment."""

    def list_keys(self, place: Place, *, recursive: bool = False) -> Sequence[str]:
        """The keys that `read` would answer, by name, without looking at a value where that can be helped."""

    def read(self, place: Place, *, recursive: bool = False) -> Sequence[SourceSecret]:
        """The secrets of a place, merged with its imports and expanded, by key; `recursive` adds the folders below.

        The same key in two folders that are read together is an error.
        """

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        """Equal to an earlier answer only if `read` would answer the same; None where that cannot be told cheaply."""

    def link(self, place: Place) -> str:
        """The page where a person sees the place in the source; "" if there is none."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


@runtime_checkable
class TellsImports(Protocol):
    """A source in which one folder may show the secrets of others, and that tells of which."""

    def list_imports(self, place: Place) -> Sequence[Place]:
        """Where a folder imports from; of a key that several have, the last one's counts."""


@runtime_checkable
class TellsTags(Protocol):
    """A source whose secrets carry tags: words to choose by. A secret has those of the place where it is stored."""

    def list_tags(self, place: Place, *, recursive: bool = False) -> Mapping[str, frozenset[str]]:
        """The keys that `list_keys` would answer, each with its tags. An error where a tag may be missing."""

    def read_tagged(self, place: Place, *, recursive: bool = False) -> Sequence[SourceSecret]:
        """What `read` would answer, with tags. An error where one may be missing."""


@runtime_checkable
class ReadsMany(Protocol):
    """A source that reads several places for little more than one."""

    def read_each(self, asked: Sequence[tuple[Place, bool]]) -> Sequence[Sequence[SourceSecret] | SourceError]:
        """What `read` answers or raises for each place, with those below it or without. Raises what keeps it from
        reading any."""
