"""A kind of source that lives in these tests alone: all that it takes to add one, and a source that does as it is told.

shelf.put("dev", "/", A="1")      the folder holds exactly these
shelf.imports(...)                 one folder shows another's secrets, too
shelf.says = Refused("…")          every question is answered so
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import pytest

from connections.models import Connection
from sources import registry
from sources.errors import PlaceMissing, SourceError, Unavailable, Untrustworthy
from sources.kinds import Kind, Opening, RemoteProject
from sources.protocol import ROOT, EnvironmentEntry, FolderEntry, Place, SourceSecret

PROJECT_ID = "7c1f2f5e-5c0a-4f52-9c39-0f8a7a3b2d10"


@dataclass
class Shelf:
    """What there is to read, and what was asked."""

    folders: dict[Place, dict[str, str]] = field(default_factory=dict)
    imported: dict[Place, list[Place]] = field(default_factory=dict)
    says: SourceError | None = None
    # Answered to `read` in place of what there is.
    answers: Sequence[SourceSecret] | None = None
    version: str | None = None
    # The question at which it stops answering, and what happens before each.
    breaks_off_at: str = ""
    before: Callable[[], object] = lambda: None
    asked: list[str] = field(default_factory=list)
    patience: list[timedelta | None] = field(default_factory=list)
    open_now: int = 0

    def put(self, environment_slug: str, path: str = ROOT, /, **values: str) -> Place:
        place = Place(environment_slug, path)
        self.folders[place] = dict(values)
        return place

    def drop(self, place: Place) -> None:
        del self.folders[place]

    def note(self, question: str) -> None:
        self.before()
        self.asked.append(question)
        if question == self.breaks_off_at:
            raise Unavailable("The shelf broke off. It is asked again.")
        if self.says is not None:
            raise self.says


@dataclass
class MemorySource:
    shelf: Shelf

    def list_environments(self, *, search: str = "") -> list[EnvironmentEntry]:
        self.shelf.note("environments")
        slugs = dict.fromkeys(place.environment_slug for place in self.shelf.folders)
        return [EnvironmentEntry(slug, slug.title()) for slug in slugs if search in slug]

    def list_folders(self, environment_slug: str, *, search: str = "") -> list[FolderEntry]:
        self.shelf.note(f"folders {environment_slug}")
        paths = sorted(place.path for place in self.shelf.folders if place.environment_slug == environment_slug)
        if not paths:
            raise PlaceMissing(f"There is no environment {environment_slug} on the shelf.")
        return [FolderEntry(path) for path in paths if search in path]

    def list_keys(self, place: Place, *, recursive: bool = False) -> list[str]:
        self.shelf.note(f"keys {place}")
        return [secret.key for secret in self._read(place, recursive=recursive)]

    def read(self, place: Place, *, recursive: bool = False) -> Sequence[SourceSecret]:
        self.shelf.note(f"read {place}")
        return self.shelf.answers if self.shelf.answers is not None else self._read(place, recursive=recursive)

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        self.shelf.note(f"version {place}")
        return self.shelf.version

    def link(self, place: Place) -> str:
        return f"https://shelf.example/{place.environment_slug}{place.path}"

    def close(self) -> None:
        self.shelf.open_now -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, place: Place, *, recursive: bool) -> list[SourceSecret]:
        if place not in self.shelf.folders:
            raise PlaceMissing(f"There is no folder {place} on the shelf. Choose another.")
        below = [each for each in self.shelf.folders if place.contains(each)] if recursive else [place]
        found: dict[str, SourceSecret] = {}
        for each in below:
            for secret in self._merged(each):
                if secret.key in found:
                    raise Untrustworthy(f"The key {secret.key} stands in {each} and in another folder. Rename one.")
                found[secret.key] = secret
        return [found[key] for key in sorted(found)]

    def _merged(self, place: Place) -> list[SourceSecret]:
        merged: dict[str, SourceSecret] = {}
        for origin in (*self.shelf.imported.get(place, ()), place):
            for key, value in self.shelf.folders[origin].items():
                merged[key] = SourceSecret(key, value, origin.environment_slug, origin.path)
        return list(merged.values())


def kind_of(shelf: Shelf) -> Kind:
    def open_shelf(opening: Opening) -> MemorySource:
        assert opening.through.app == "memory"
        shelf.patience.append(opening.patience)
        shelf.open_now += 1
        return MemorySource(shelf)

    def find_project(connection: Connection, text: str, patience: timedelta | None) -> RemoteProject:
        shelf.note(f"project {text}")
        if text not in (PROJECT_ID, "shelf"):
            raise PlaceMissing(f"There is no project {text} on the shelf. Enter its ID or its slug.")
        return RemoteProject(str(UUID(PROJECT_ID)), "shelf", "The shelf")

    return Kind("memory", "Memory", open_shelf, app="memory", find_project=find_project, id_hint="its slug is shelf.")


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """The kind is registered for the time of a test; at its end everything that was opened is closed."""
    shelf = Shelf()
    monkeypatch.setitem(registry.KINDS, "memory", kind_of(shelf))
    yield shelf
    assert shelf.open_now == 0


@pytest.fixture
def shelf_connection(db: None) -> Connection:
    return Connection.objects.create(name="shelf", app="memory", base_url="https://shelf.example")
