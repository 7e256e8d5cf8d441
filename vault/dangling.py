"""References of a project that lead nowhere, found by names alone: no value is opened, and no seal is looked at."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from vault.errors import SourceError
from vault.models import Folder, Secret, SecretImport, SecretReference
from vault.references import Reference
from vault.resolution import Place, Resolver, StoredSecret


@dataclass(frozen=True)
class Dangling:
    """The reference, and the secret whose value has it, by its key and where it is."""

    secret_id: UUID
    key: str
    environment_slug: str
    path: str
    reference: str

    @property
    def where(self) -> str:
        return f"{self.environment_slug}:{self.path}"


def find_dangling(project_ids: Collection[UUID]) -> set[Dangling]:
    """None of a project whose imports can't be followed, which those who read it are told."""
    found: set[Dangling] = set()
    for project_id in project_ids:
        try:
            found.update(_dangling_in(project_id))
        except SourceError:
            continue
    return found


def _dangling_in(project_id: UUID) -> Iterator[Dangling]:
    edges = SecretReference.objects.filter(secret__folder__environment__project_id=project_id).order_by()
    columns = ("secret_id", "secret__key", "secret__folder_id", "key", "environment_slug", "path")
    rows = list(edges.values_list(*columns))
    if not rows:
        return
    resolver = _load_names(project_id)
    for secret_id, key, folder_id, *parts in rows:
        reference = Reference(*parts)
        if not reference.is_weak and resolver.find(folder_id, reference) is None:
            place = resolver.place(folder_id)
            yield Dangling(secret_id, key, place.environment_slug, place.path, str(reference))


def _load_names(project_id: UUID) -> Resolver:
    folders = Folder.objects.filter(environment__project_id=project_id).order_by()
    places = {id_: Place(slug, path) for id_, slug, path in folders.values_list("id", "environment__slug", "path")}
    imports: dict[UUID, list[UUID]] = {}
    shown = SecretImport.objects.filter(folder__environment__project_id=project_id).order_by("position", "created_at")
    for folder_id, source_id in shown.values_list("folder_id", "source_id"):
        imports.setdefault(folder_id, []).append(source_id)
    secrets = Secret.objects.filter(folder__environment__project_id=project_id).order_by()
    named = (StoredSecret(*row, _closed) for row in secrets.values_list("id", "key", "folder_id"))
    return Resolver(places, imports, named)


def _closed() -> str:
    raise AssertionError("Names are looked at here, and no value.")
