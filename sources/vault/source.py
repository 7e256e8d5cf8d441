"""Reads the built-in vault through the protocol. No query more than reading it directly."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db.models import F
from django.urls import reverse

from sources.errors import PlaceMissing, SourceError, Unavailable, Untrustworthy
from sources.protocol import EnvironmentEntry, FolderEntry, Place, SourceSecret
from sources.vault.rows import Folders
from vault import errors, reading
from vault.loading import Asked
from vault.models import Environment, Folder, Project


class VaultSource:
    def __init__(self, project_id: UUID, project_slug: str) -> None:
        self.project = Project(pk=project_id, slug=project_slug)
        self._environments: list[Environment] | None = None

    def list_environments(self, *, search: str = "") -> list[EnvironmentEntry]:
        entries = [EnvironmentEntry(row.slug, row.name, str(row.pk)) for row in self._load_environments()]
        return [entry for entry in entries if _is_found(search, entry.slug, entry.name)]

    def list_folders(self, environment_slug: str, *, search: str = "") -> Sequence[FolderEntry]:
        environment = self._environment(environment_slug)
        rows = Folder.objects.filter(environment=environment).order_by("path").only("path")
        return Folders(rows.filter(path__icontains=search) if search else rows, as_entry, label=F("path"))

    def list_keys(self, place: Place, *, recursive: bool = False) -> list[str]:
        with translated():
            return reading.list_keys(self.folder_at(place), recursive=recursive)

    def read(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        with translated():
            return as_secrets(reading.read_secrets(self.folder_at(place), recursive=recursive))

    def list_tags(self, place: Place, *, recursive: bool = False) -> dict[str, frozenset[str]]:
        with translated():
            return reading.list_tags(self.folder_at(place), recursive=recursive)

    def read_tagged(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        with translated():
            return as_secrets(reading.read_secrets(self.folder_at(place), recursive=recursive, tags=True))

    def read_each(self, asked: Sequence[tuple[Place, bool]]) -> list[list[SourceSecret] | SourceError]:
        with translated():
            read = reading.read_each([Asked(self.folder_at(place), recursive) for place, recursive in asked])
        return [_as_answer(each) for each in read]

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        """None: the vault tells of each change in the change's own transaction, so nobody needs to ask."""
        return None

    def link(self, place: Place) -> str:
        with translated():
            return reverse("admin:vault_folder_page", args=[self.folder_at(place).pk])

    def close(self) -> None:
        """Nothing is open but what the database keeps open by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def folder_at(self, place: Place) -> Folder:
        """A folder that is known by its id is not looked up: whatever reads it will see whether it is still there."""
        if not place.folder_id:
            return reading.find_folder(self.project, place.environment_slug, place.path)
        environment = Environment(slug=place.environment_slug, project_id=self.project.pk)
        return Folder(pk=UUID(place.folder_id), path=place.path, environment=environment)

    def _load_environments(self) -> list[Environment]:
        if self._environments is None:
            self._environments = list(Environment.objects.filter(project_id=self.project.pk))
        return self._environments

    def _environment(self, slug: str) -> Environment:
        found = next((row for row in self._load_environments() if row.slug == slug), None)
        if found is None:
            there = ", ".join(row.slug for row in self._load_environments()) or "none yet"
            raise PlaceMissing(f"The project {self.project.slug} has no environment “{slug}”. It has: {there}.")
        return found


def as_secrets(found: Iterable[reading.SourceSecret]) -> list[SourceSecret]:
    return [
        SourceSecret(
            row.key,
            row.value,
            row.environment_slug,
            row.path,
            str(row.secret_id),
            row.unresolved,
            comment=row.comment,
            tags=row.tags,
        )
        for row in found
    ]


def _as_answer(read: list[reading.SourceSecret] | errors.VaultError) -> list[SourceSecret] | SourceError:
    try:
        with translated():
            if isinstance(read, errors.VaultError):
                raise read
            return as_secrets(read)
    except SourceError as error:
        return error


def as_entry(folder: Folder) -> FolderEntry:
    return FolderEntry(folder.path, str(folder.pk))


def _is_found(search: str, *texts: str) -> bool:
    return any(search.lower() in text.lower() for text in texts)


@contextmanager
def translated() -> Iterator[None]:
    """The vault's errors as those of any source, with the same sentences."""
    try:
        yield
    except errors.FolderMissing as error:
        raise PlaceMissing(error.message) from error
    except errors.SourceError as error:
        kind = Unavailable if error.retryable else Untrustworthy
        raise kind(error.message, secret_id=str(error.secret_id or "")) from error
    except errors.VaultError as error:
        raise (Unavailable if error.retryable else Untrustworthy)(error.message) from error
