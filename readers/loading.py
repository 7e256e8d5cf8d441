"""Loads what the pages of readers need, in a number of queries that does not grow. No value is loaded."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.urls import reverse

from connections.models import Organization
from readers.ways import Shape, Stored
from syncs.editing.effects import when_it_reads
from syncs.models import DevinSync
from syncs.naming import Naming
from syncs.places import lineage
from vault.access import visible
from vault.models import Folder, Project, Secret, SecretImport, SecretReference
from vault.references import Reference
from vault.resolution import Place

# As many parameters as a statement of any database takes.
FEW = 500

Row = TypeVar("Row", bound=Model)


class SyncRow(NamedTuple):
    """A sync as a reader, without the cost of a model's instance: there may be thousands."""

    id: UUID
    name: str
    org_id: str
    organization_name: str | None
    base_url: str
    folder_id: UUID | None
    environment_slug: str
    path: str
    recursive: bool
    is_enabled: bool
    auto_sync_enabled: bool
    key_schema: str
    only_keys: str
    except_keys: str
    only_tags: str
    except_tags: str
    key_renames: str

    @property
    def url(self) -> str:
        return reverse("admin:syncs_devinsync_change", args=[self.id])

    @property
    def organization(self) -> tuple[str, str]:
        """The same ID may mean another organization at another address."""
        return self.base_url, self.org_id

    @property
    def when(self) -> str:
        return when_it_reads(is_enabled=self.is_enabled, by_itself=self.auto_sync_enabled)

    def names_in_devin(self, keys: Iterable[str]) -> list[str]:
        naming = Naming.of(self)
        return sorted(naming.render(key) for key in keys if naming.takes_key(key))

    def chosen(self, keys: Collection[str], tags_of: Callable[[str], Collection[str]]) -> set[str]:
        """Of these keys those that it takes, as far as tags go."""
        if not (self.only_tags or self.except_tags):
            return set(keys)
        naming = Naming.of(self)
        return {key for key in keys if naming.takes_tags(tags_of(key))}


COLUMNS = (
    "id",
    "name",
    "org_id",
    "organization_name",
    "connection__base_url",
    "folder_id",
    "source_environment",
    "source_path",
    "recursive",
    "is_enabled",
    "auto_sync_enabled",
    "key_schema",
    "only_keys",
    "except_keys",
    "only_tags",
    "except_tags",
    "key_renames",
)


@dataclass(frozen=True)
class Readers:
    """The syncs by the folder that they read, and those that read the folders below it too."""

    by_folder: Mapping[UUID, list[SyncRow]]
    recursive: Mapping[Place, list[SyncRow]] = field(default_factory=dict)

    def of(self, folder_id: UUID, place: Place) -> list[SyncRow]:
        above = (Place(place.environment_slug, path) for path in lineage(place.path)[:-1])
        found = [*self.by_folder.get(folder_id, ()), *(row for each in above for row in self.recursive.get(each, ()))]
        return sorted(found, key=lambda row: row.name)


def load_syncs(project: Project) -> list[SyncRow]:
    named = Organization.objects.filter(connection=OuterRef("connection"), org_id=OuterRef("org_id")).values("name")
    rows = DevinSync.objects.filter(project=project).annotate(organization_name=Subquery(named[:1])).order_by("name")
    return [SyncRow(*values) for values in rows.values_list(*COLUMNS)]


def load_readers(project: Project, places: Mapping[UUID, Place]) -> Readers:
    """Of a project in the vault; its folders say where they are today."""
    by_folder: dict[UUID, list[SyncRow]] = defaultdict(list)
    recursive: dict[Place, list[SyncRow]] = defaultdict(list)
    for row in load_syncs(project):
        if row.folder_id is not None and (place := places.get(row.folder_id)) is not None:
            here = row._replace(environment_slug=place.environment_slug, path=place.path)
            by_folder[row.folder_id].append(here)
            if row.recursive:
                recursive[place].append(here)
    return Readers(by_folder, recursive)


def load_shape(project: Project, *, key: str = "", user: Any) -> Shape:
    """`key` is that of the secret whose ways are asked for, where it is one. What the user does not see is left out."""
    references = list(_load_references(project, user))
    names = {key, *(name for secret, each in references for name in (secret.key, each.key, each.inner))} - {""}
    secrets, tags = _load_secrets(project, names), _load_tags(project, names)
    return Shape(_load_places(project, user), _load_imports(project, user), secrets, references, tags)


def _seen(user: Any, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Whoever may see the folders or the secrets of all projects finds all ways, and names as far as they may."""
    return rows if any(map(user.has_perm, ("vault.view_folder", "vault.view_secret"))) else visible(user, rows)


def _load_places(project: Project, user: Any) -> dict[UUID, Place]:
    rows = _seen(user, Folder.objects.filter(environment__project=project).order_by("environment__position", "path"))
    return {id_: Place(slug, path) for id_, slug, path in rows.values_list("id", "environment__slug", "path")}


def _load_imports(project: Project, user: Any) -> dict[UUID, list[UUID]]:
    imports: dict[UUID, list[UUID]] = defaultdict(list)
    rows = SecretImport.objects.filter(folder__environment__project=project)
    rows = _seen(user, rows)
    for folder_id, source_id in rows.values_list("folder_id", "source_id"):
        imports[folder_id].append(source_id)
    return imports


def _load_references(project: Project, user: Any) -> Iterator[tuple[Stored, Reference]]:
    rows = SecretReference.objects.filter(secret__folder__environment__project=project).order_by("secret__key", "pk")
    rows = _seen(user, rows)
    columns = ("secret_id", "secret__folder_id", "secret__key", "key", "environment_slug", "path")
    for *secret, key, slug, path in rows.values_list(*columns):
        yield Stored(*secret), Reference(key, slug, path)


def _load_secrets(project: Project, keys: Collection[str]) -> dict[tuple[UUID, str], UUID]:
    """Those of these keys; more where they are many."""
    rows = Secret.objects.filter(folder__environment__project=project).order_by()
    if len(keys) <= FEW:
        rows = rows.filter(key__in=keys)
    return {(folder_id, key): id_ for id_, folder_id, key in rows.values_list("id", "folder_id", "key")}


def _load_tags(project: Project, keys: Collection[str]) -> dict[UUID, set[str]]:
    """By secret, of those of these keys; of more where they are many."""
    rows = Secret.tags.through.objects.filter(secret__folder__environment__project=project).order_by()
    if len(keys) <= FEW:
        rows = rows.filter(secret__key__in=keys)
    found: dict[UUID, set[str]] = defaultdict(set)
    for secret_id, slug in rows.values_list("secret_id", "tag__slug"):
        found[secret_id].add(slug)
    return found
