"""Loads what is needed to read a folder: its project's shape, and the secrets it may need, all of one moment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from vault.checking import check_whole
from vault.errors import FolderMissing, Unreadable
from vault.lenient import LenientResolver
from vault.models import Environment, Folder, Project, Secret, SecretImport, SecretReference, SecretVersion
from vault.resolution import Place, Resolver, StoredSecret
from vault.values import open_stored

TRIES = 5
# More folders than this are read with their whole project, because a statement takes only so many parameters.
FEW = 500


def load_resolver(
    folder: Folder,
    *,
    recursive: bool = False,
    follow_references: bool = True,
    whole_project: bool = False,
    lenient: bool = False,
) -> tuple[Resolver, list[UUID]]:
    """The resolver that can read a folder, and the folders to read in it; a lenient one leaves dead references as text.

    It knows the secrets that the folder needs as it is stored, or all of the `whole_project` for values to come.

    The parts come from several queries; the project's counter of changes, read before and after, tells whether they
    belong together. Raises Unreadable for a folder that somebody changed by other ways than ours.
    """
    shape = {"follow_references": follow_references, "whole_project": whole_project, "lenient": lenient}
    resolver, (folder_ids,) = _load([folder], recursive=recursive, **shape)
    return resolver, folder_ids


def load_resolver_of_many(folders: Sequence[Folder], *, recursive: bool) -> tuple[Resolver, list[list[UUID]]]:
    """The same for several folders of a project in as many statements as for one: for each, the folders to read.

    What is wrong with any folder that any of them needs is raised.
    """
    return _load(folders, recursive=recursive)


def _load(
    folders: Sequence[Folder],
    *,
    recursive: bool,
    follow_references: bool = True,
    whole_project: bool = False,
    lenient: bool = False,
) -> tuple[Resolver, list[list[UUID]]]:
    project_id = folders[0].environment.project_id
    for _ in range(TRIES):
        before = _revision(project_id)
        shape = _load_shape(
            folders, recursive=recursive, follow_references=follow_references, whole_project=whole_project
        )
        secrets = _load_secrets(project_id, shape.needed)
        if before == _revision(project_id):
            _check(project_id, [row for row in shape.rows if row.id in shape.needed], secrets, shape.imports)
            stored = _as_stored(project_id, shape.rows, secrets)
            kind = LenientResolver if lenient else Resolver
            return kind(shape.places, shape.sources, stored), shape.read
    raise _restless(folders[0])


def _load_shape(
    folders: Sequence[Folder], *, recursive: bool, follow_references: bool, whole_project: bool
) -> "_Shape":
    project_id = folders[0].environment.project_id
    imports = _load_import_rows(project_id)
    sources = {id_: [each.source_id for each in its] for id_, its in imports.items()}
    edges = _load_references(project_id) if follow_references else []
    near = None if recursive or whole_project else _near([folder.id for folder in folders], sources, edges)
    rows = _load_rows(project_id, near)
    places = {row.id: row.place for row in rows}
    read = [_choose_folders(folder, places, recursive=recursive) for folder in folders]
    together = [folder_id for each in read for folder_id in each]
    needed = set(places) if whole_project else _reach(together, sources, _referred(edges, places))
    return _Shape(rows, places, imports, sources, read, needed)


def check_folder(folder: Folder) -> None:
    """Raises Unreadable unless the folder is as a writer of ours left it, for those who open one value of it alone."""
    project_id = folder.environment.project_id
    for _ in range(TRIES):
        before = _revision(project_id)
        rows = _load_rows(project_id, [folder.id])
        shown = _load_import_rows(project_id, folder.id)
        secrets = _load_secrets(project_id, {folder.id})
        if before == _revision(project_id):
            _check(project_id, rows, secrets, shown)
            return
    raise _restless(folder)


def _restless(folder: Folder) -> Unreadable:
    return Unreadable(f"{folder} was changed again and again while it was read. Try again.", retryable=True)


def describe_state(
    folder: Folder, *, recursive: bool = False, follow_references: bool = True, key: str = ""
) -> list[tuple[object, ...]]:
    """What two readings of a folder, or of one of its keys, have in common if they answer the same. Opens no value."""
    project_id = folder.environment.project_id
    imports = _load_imports(project_id)
    edges = _load_references(project_id) if follow_references else []
    places = _load_places(project_id, None if recursive else _near([folder.id], imports, edges))
    folder_ids = _choose_folders(folder, places, recursive=recursive)
    needed = _reach(folder_ids, imports, _referred(edges, places))
    rows = Secret.objects.filter(folder__environment__project_id=project_id).order_by("id")
    if len(needed) <= FEW:
        rows = rows.filter(folder_id__in=needed)
    if key and not (follow_references and SecretReference.objects.filter(secret__in=rows.filter(key=key))):
        rows = rows.filter(key=key)
    state = rows.values_list("id", "folder_id", "version", "updated_at", "updated_by__username")
    shape = [(id_, str(places[id_]), *imports.get(id_, ())) for id_ in sorted(needed)]
    return [*shape, *(row for row in state if row[1] in needed)]


def _revision(project_id: UUID) -> int | None:
    return Project.objects.filter(id=project_id).values_list("revision", flat=True).first()


def _near(folder_ids: list[UUID], imports: dict[UUID, list[UUID]], edges: Iterable["_Edge"]) -> Collection[UUID] | None:
    """The folders that are enough to read these: those that they import. None, for all of their project, where a value
    may lead to any other folder, or the imports to many.
    """
    near = _reach(folder_ids, imports, {})
    leads_on = any(edge.folder_id in near for edge in edges)
    return None if leads_on or len(near) > FEW else near


def _folders(project_id: UUID, only: Collection[UUID] | None) -> QuerySet[Folder]:
    rows = Folder.objects.filter(environment__project_id=project_id).order_by("path")
    return rows if only is None else rows.filter(id__in=only)


def _load_places(project_id: UUID, only: Collection[UUID] | None) -> dict[UUID, Place]:
    rows = _folders(project_id, only).values_list("id", "environment__slug", "path")
    return {id_: Place(slug, path) for id_, slug, path in rows}


def _choose_folders(folder: Folder, places: dict[UUID, Place], *, recursive: bool) -> list[UUID]:
    if folder.id not in places:
        raise FolderMissing(f"The folder {folder} is gone. Choose another source, or create it again.")
    here = places[folder.id]
    prefix = here.path.rstrip("/") + "/"
    folder_ids = [folder.id]
    if recursive:
        folder_ids += [
            id_
            for id_, place in places.items()
            if id_ != folder.id and place.environment_slug == here.environment_slug and place.path.startswith(prefix)
        ]
    return folder_ids


class _Row(NamedTuple):
    """Of a folder, without the cost of a model's instance: there may be thousands, of which few are read."""

    id: UUID
    environment_id: UUID
    environment_slug: str
    parent_id: UUID | None
    path: str
    seal: str

    @property
    def place(self) -> Place:
        return Place(self.environment_slug, self.path)

    def as_folder(self, project_id: UUID) -> Folder:
        environment = Environment(id=self.environment_id, slug=self.environment_slug, project_id=project_id)
        return Folder(id=self.id, environment=environment, parent_id=self.parent_id, path=self.path, seal=self.seal)


class _ImportRow(NamedTuple):
    id: UUID
    folder_id: UUID
    source_id: UUID
    position: int


class _Shape(NamedTuple):
    """What of a project is needed to read some of its folders, without the secrets."""

    rows: list[_Row]
    places: dict[UUID, Place]
    imports: dict[UUID, list[_ImportRow]]
    sources: dict[UUID, list[UUID]]
    read: list[list[UUID]]
    """For each folder that was asked for, those that are read: itself, and with `recursive` those below."""
    needed: set[UUID]
    """Those whose secrets may be needed."""


def _load_rows(project_id: UUID, only: Collection[UUID] | None) -> list[_Row]:
    columns = ("id", "environment_id", "environment__slug", "parent_id", "path", "seal")
    return [_Row(*values) for values in _folders(project_id, only).values_list(*columns)]


def _load_import_rows(project_id: UUID, *only: UUID) -> dict[UUID, list[_ImportRow]]:
    rows = SecretImport.objects.filter(folder__environment__project_id=project_id)
    if only:
        rows = rows.filter(folder_id__in=only)
    imports: dict[UUID, list[_ImportRow]] = defaultdict(list)
    for values in rows.values_list("id", "folder_id", "source_id", "position"):
        row = _ImportRow(*values)
        imports[row.folder_id].append(row)
    return imports


def _load_imports(project_id: UUID) -> dict[UUID, list[UUID]]:
    imports: dict[UUID, list[UUID]] = {}
    rows = SecretImport.objects.filter(folder__environment__project_id=project_id)
    for folder_id, source_id in rows.values_list("folder_id", "source_id"):
        imports.setdefault(folder_id, []).append(source_id)
    return imports


class _Edge(NamedTuple):
    """A place that a secret of a folder refers to."""

    folder_id: UUID
    environment_slug: str
    path: str


def _load_references(project_id: UUID) -> list[_Edge]:
    """Those within a folder lead nowhere else."""
    rows = SecretReference.objects.filter(secret__folder__environment__project_id=project_id)
    elsewhere = rows.exclude(environment_slug="").order_by()
    return [_Edge(*values) for values in elsewhere.values_list("secret__folder_id", "environment_slug", "path")]


def _referred(edges: Iterable[_Edge], places: dict[UUID, Place]) -> dict[UUID, set[UUID]]:
    """Which folders the secrets of a folder refer to, of those that are known."""
    ids = {place: folder_id for folder_id, place in places.items()}
    references: dict[UUID, set[UUID]] = {}
    for folder_id, slug, path in edges:
        if folder_id not in places:
            continue
        # A folder named without its environment leads nowhere, and is what the error may suggest.
        meant = (Place(slug, path), Place(places[folder_id].environment_slug, f"/{slug}{path}".rstrip("/")))
        referred_id = next((ids[place] for place in meant if place in ids), None)
        if referred_id:
            references.setdefault(folder_id, set()).add(referred_id)
    return references


def _reach(folder_ids: list[UUID], imports: dict[UUID, list[UUID]], references: dict[UUID, set[UUID]]) -> set[UUID]:
    """The folders whose secrets may be needed to read these."""
    waiting, reached = list(folder_ids), set(folder_ids)
    while waiting:
        folder_id = waiting.pop()
        more = {*imports.get(folder_id, ()), *references.get(folder_id, ())} - reached
        reached |= more
        waiting.extend(more)
    return reached


class _SecretRow(NamedTuple):
    id: UUID
    key: str
    folder_id: UUID
    sealed_value: str
    version: int
    is_literal: bool
    has_newest: bool

    def as_stored(self, place: str) -> StoredSecret:
        opens = partial(open_stored, self, place=place)
        return StoredSecret(self.id, self.key, self.folder_id, opens, is_literal=self.is_literal)


def _load_secrets(project_id: UUID, folder_ids: set[UUID]) -> dict[UUID, list[_SecretRow]]:
    """By folder; those of more folders than were asked for, where these are many."""
    found = Secret.objects.filter(folder__environment__project_id=project_id).order_by()
    if len(folder_ids) <= FEW:
        found = found.filter(folder_id__in=folder_ids)
    newest = Exists(SecretVersion.objects.filter(secret_id=OuterRef("id"), version=OuterRef("version")))
    secrets: dict[UUID, list[_SecretRow]] = defaultdict(list)
    for values in found.values_list("id", "key", "folder_id", "sealed_value", "version", "is_literal", newest):
        row = _SecretRow(*values)
        secrets[row.folder_id].append(row)
    return secrets


def _as_stored(project_id: UUID, rows: Iterable[_Row], secrets: dict[UUID, list[_SecretRow]]) -> Iterator[StoredSecret]:
    for row in rows:
        if row.id in secrets:
            place = row.as_folder(project_id).place_of_secrets
            yield from (secret.as_stored(place) for secret in secrets[row.id])


def _check(
    project_id: UUID,
    rows: Iterable[_Row],
    secrets: dict[UUID, list[_SecretRow]],
    imports: dict[UUID, list[_ImportRow]],
) -> None:
    for row in rows:
        check_whole(row.as_folder(project_id), secrets.get(row.id, []), imports.get(row.id, []))
