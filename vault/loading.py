"""Loads what is needed to read a folder: its project's shape, and the secrets it may need, all of one moment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from vault.access import Sight
from vault.checking import check_whole
from vault.effects import is_tried
from vault.errors import FolderMissing, Unreadable, VaultError
from vault.lenient import LenientResolver
from vault.links import ImportRow, Links, ReferenceRow, load_imports_of, load_links
from vault.models import Environment, Folder, Project, Secret, SecretReference, SecretVersion
from vault.resolution import Place, Resolver, StoredSecret
from vault.values import open_stored

TRIES = 5
# More folders than this are read with their whole project, because a statement takes only so many parameters.
FEW = 500
NO_TAGS = frozenset[str]()


class Asked(NamedTuple):
    folder: Folder
    recursive: bool


def load_resolver(
    folder: Folder,
    *,
    recursive: bool = False,
    follow_references: bool = True,
    whole_project: bool = False,
    lenient: bool = False,
    tags: bool = False,
    sees: Sight | None = None,
) -> tuple[Resolver, list[UUID]]:
    """The resolver that can read a folder, and the folders to read in it; a lenient one leaves dead references as text.

    What `sees` denies of other folders is left out, as if it were not there.

    It knows the secrets that the folder needs as it is stored, or all of the `whole_project` for values to come; their
    `tags`, if asked for.

    The parts come from several queries; the project's counter of changes, read before and after, tells whether they
    belong together. Raises Unreadable for a folder that somebody changed by other ways than ours.
    """
    shape = {"follow_references": follow_references, "whole_project": whole_project, "lenient": lenient, "tags": tags}
    resolver, (read,) = _load([Asked(folder, recursive)], sees=sees, **shape)
    if isinstance(read, VaultError):
        raise read
    return resolver, read


def load_resolver_of_many(asked: Sequence[Asked]) -> tuple[Resolver, list[list[UUID] | VaultError]]:
    """The same for several folders of a project in as many statements as for one: for each, the folders to read.

    What is wrong with one is answered in its place.
    """
    return _load(asked)


def places_read(folder: Folder, *, recursive: bool) -> list[Place]:
    """All that a read may take secrets from: the folder, with `recursive` those below, and wherever imports and
    references lead from there. Opens no value."""
    project_id = folder.environment.project_id
    links = load_links(project_id, references=True, within=False)
    shape = _load_shape([Asked(folder, recursive)], links, whole_project=False)
    return sorted((shape.places[folder_id] for folder_id in shape.needed), key=str)


def _load(
    asked: Sequence[Asked],
    *,
    follow_references: bool = True,
    whole_project: bool = False,
    lenient: bool = False,
    tags: bool = False,
    sees: Sight | None = None,
) -> tuple[Resolver, list[list[UUID] | VaultError]]:
    project_id = asked[0].folder.environment.project_id
    for _ in range(TRIES):
        links = load_links(project_id, references=follow_references, within=False)
        shape = _load_shape(asked, links, whole_project=whole_project)
        slugs = _load_tags(project_id, shape.needed) if tags else {}
        secrets, revision = _load_secrets(project_id, shape.needed)
        if _is_still(project_id, links.revision, revision):
            broken = _find_broken(project_id, shape, secrets)
            stored = _as_stored(project_id, shape.rows, secrets, slugs)
            kind = LenientResolver if lenient else Resolver
            hidden = _hidden(shape.places, sees)
            return kind(shape.places, shape.sources, stored, hidden), [
                _unless_broken(each, broken) for each in shape.read
            ]
    raise _restless(asked[0].folder)


def _hidden(places: Mapping[UUID, Place], sees: Sight | None) -> set[UUID]:
    return set() if sees is None else {id_ for id_, at in places.items() if not sees(at.environment_slug, at.path)}


def _is_still(project_id: UUID, before: int | None, after: int | None) -> bool:
    """What a change tries is read while it holds the project. `after` came with the last rows, if there were any."""
    return is_tried() or before == (_revision(project_id) if after is None else after)


def _load_shape(asked: Sequence[Asked], links: Links, *, whole_project: bool) -> "_Shape":
    project_id = asked[0].folder.environment.project_id
    sources = links.sources()
    goes_below = whole_project or any(each.recursive for each in asked)
    near = None if goes_below else _near([each.folder.id for each in asked], sources, links.references)
    rows = _load_rows(project_id, near)
    places = {row.id: row.place for row in rows}
    referred = _referred(links.references, places)
    read = [_plan_read(each, places, sources, referred, whole_project=whole_project) for each in asked]
    needed = set[UUID]().union(*(each.needed for each in read if not isinstance(each, VaultError)))
    return _Shape(rows, places, links.imports, sources, read, needed)


def _plan_read(
    asked: Asked,
    places: Mapping[UUID, Place],
    sources: Mapping[UUID, Sequence[UUID]],
    referred: Mapping[UUID, Collection[UUID]],
    *,
    whole_project: bool,
) -> "_Read | FolderMissing":
    try:
        chosen = _choose_folders(asked.folder, places, recursive=asked.recursive)
    except FolderMissing as missing:
        return missing
    return _Read(chosen, set(places) if whole_project else _reach(chosen, sources, referred))


def check_folder(folder: Folder) -> None:
    """Raises Unreadable unless the folder is as a writer of ours left it, for those who open one value of it alone."""
    project_id = folder.environment.project_id
    for _ in range(TRIES):
        links = load_imports_of(folder)
        rows = _load_rows(project_id, [folder.id])
        secrets, revision = _load_secrets(project_id, {folder.id})
        if _is_still(project_id, links.revision, revision):
            for row in rows:
                _check(project_id, row, secrets, links.imports)
            return
    raise _restless(folder)


def _restless(folder: Folder) -> Unreadable:
    return Unreadable(f"{folder} was changed again and again while it was read. Try again.", retryable=True)


def describe_state(
    folder: Folder, *, recursive: bool = False, follow_references: bool = True, key: str = ""
) -> list[tuple[object, ...]]:
    """What two readings of a folder, or of one of its keys, have in common if they answer the same. Opens no value."""
    project_id = folder.environment.project_id
    links = load_links(project_id, references=follow_references, within=False)
    imports = links.sources()
    places = _load_places(project_id, None if recursive else _near([folder.id], imports, links.references))
    folder_ids = _choose_folders(folder, places, recursive=recursive)
    needed = _reach(folder_ids, imports, _referred(links.references, places))
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


def _near(
    folder_ids: list[UUID], imports: Mapping[UUID, Sequence[UUID]], references: Iterable[ReferenceRow]
) -> Collection[UUID] | None:
    """The folders that are enough to read these: those that they import. None, for all of their project, where a value
    may lead to any other folder, or the imports to many.
    """
    near = _reach(folder_ids, imports, {})
    leads_on = any(each.folder_id in near for each in references)
    return None if leads_on or len(near) > FEW else near


def _folders(project_id: UUID, only: Collection[UUID] | None) -> QuerySet[Folder]:
    rows = Folder.objects.filter(environment__project_id=project_id).order_by("path")
    return rows if only is None else rows.filter(id__in=only)


def _load_places(project_id: UUID, only: Collection[UUID] | None) -> dict[UUID, Place]:
    rows = _folders(project_id, only).values_list("id", "environment__slug", "path")
    return {id_: Place(slug, path) for id_, slug, path in rows}


def _choose_folders(folder: Folder, places: Mapping[UUID, Place], *, recursive: bool) -> list[UUID]:
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


class _Read(NamedTuple):
    """The folders that are read for one that was asked for, and those whose secrets may be needed for that."""

    chosen: list[UUID]
    needed: set[UUID]


class _Shape(NamedTuple):
    """What of a project is needed to read some of its folders, without the secrets."""

    rows: list[_Row]
    places: dict[UUID, Place]
    imports: Mapping[UUID, Sequence[ImportRow]]
    sources: Mapping[UUID, Sequence[UUID]]
    read: list[_Read | FolderMissing]
    """For each folder that was asked for."""
    needed: set[UUID]
    """Those whose secrets may be needed for any of them."""


def _load_rows(project_id: UUID, only: Collection[UUID] | None) -> list[_Row]:
    columns = ("id", "environment_id", "environment__slug", "parent_id", "path", "seal")
    return [_Row(*values) for values in _folders(project_id, only).values_list(*columns)]


def _referred(references: Iterable[ReferenceRow], places: Mapping[UUID, Place]) -> dict[UUID, set[UUID]]:
    """Which folders the secrets of a folder refer to, of those that are known."""
    ids = {place: folder_id for folder_id, place in places.items()}
    found: dict[UUID, set[UUID]] = {}
    for each in references:
        if each.folder_id not in places:
            continue
        # A folder named without its environment leads nowhere, and is what the error may suggest.
        within = Place(places[each.folder_id].environment_slug, f"/{each.environment_slug}{each.path}".rstrip("/"))
        meant = (Place(each.environment_slug, each.path), within)
        referred_id = next((ids[place] for place in meant if place in ids), None)
        if referred_id:
            found.setdefault(each.folder_id, set()).add(referred_id)
    return found


def _reach(
    folder_ids: Iterable[UUID],
    imports: Mapping[UUID, Iterable[UUID]],
    references: Mapping[UUID, Iterable[UUID]],
) -> set[UUID]:
    """The folders whose secrets may be needed to read these."""
    waiting, reached = list(folder_ids), set(folder_ids)
    while waiting:
        folder_id = waiting.pop()
        more = {*imports.get(folder_id, ()), *references.get(folder_id, ())} - reached
        reached |= more
        waiting.extend(more)
    return reached


class _SecretRow(NamedTuple):
    folder_id: UUID
    id: UUID
    key: str
    sealed_value: str
    version: int
    is_literal: bool
    comment: str
    has_newest: bool

    def as_stored(self, place: str, tags: frozenset[str]) -> StoredSecret:
        opens = partial(open_stored, self, place=place)
        return StoredSecret(self.id, self.key, self.folder_id, opens, self.is_literal, self.comment, tags)


def _load_secrets(project_id: UUID, folder_ids: set[UUID]) -> tuple[dict[UUID, list[_SecretRow]], int | None]:
    """By folder; those of more folders than were asked for, where these are many. With the project's counter of changes
    at that moment, if there is any."""
    found = Secret.objects.filter(folder__environment__project_id=project_id).order_by()
    if len(folder_ids) <= FEW:
        found = found.filter(folder_id__in=folder_ids)
    newest = Exists(SecretVersion.objects.filter(secret_id=OuterRef("id"), version=OuterRef("version")))
    own = ("id", "key", "sealed_value", "version", "is_literal", "comment", newest)
    columns = ("folder__environment__project__revision", *own)
    if len(folder_ids) == 1:
        # To make an ID takes longer than the rest of a row, and here it is known.
        rows = list(found.values_list(*columns))
        return {folder_id: [_SecretRow(folder_id, *row[1:]) for row in rows] for folder_id in folder_ids}, _first(rows)
    secrets: dict[UUID, list[_SecretRow]] = defaultdict(list)
    rows = list(found.values_list(*columns, "folder_id"))
    for row in rows:
        secrets[row[-1]].append(_SecretRow(row[-1], *row[1:-1]))
    return secrets, _first(rows)


def _load_tags(project_id: UUID, folder_ids: set[UUID]) -> Mapping[UUID, frozenset[str]]:
    """By secret. Before the secrets, whose rows tell whether all is of one moment."""
    rows = Secret.tags.through.objects.filter(secret__folder__environment__project_id=project_id).order_by()
    if len(folder_ids) <= FEW:
        rows = rows.filter(secret__folder_id__in=folder_ids)
    found: dict[UUID, set[str]] = defaultdict(set)
    for secret_id, slug in rows.values_list("secret_id", "tag__slug"):
        found[secret_id].add(slug)
    return {secret_id: frozenset(slugs) for secret_id, slugs in found.items()}


def _first(rows: Sequence[tuple[Any, ...]]) -> int | None:
    return rows[0][0] if rows else None


def _as_stored(
    project_id: UUID,
    rows: Iterable[_Row],
    secrets: dict[UUID, list[_SecretRow]],
    tags: Mapping[UUID, frozenset[str]],
) -> Iterator[StoredSecret]:
    for row in rows:
        if row.id in secrets:
            place = row.as_folder(project_id).place_of_secrets
            yield from (secret.as_stored(place, tags.get(secret.id, NO_TAGS)) for secret in secrets[row.id])


def _find_broken(
    project_id: UUID, shape: _Shape, secrets: Mapping[UUID, Sequence[_SecretRow]]
) -> dict[UUID, Unreadable]:
    """By folder, in the order of the folders, what is wrong with those that are needed."""
    broken: dict[UUID, Unreadable] = {}
    for row in shape.rows:
        if row.id in shape.needed:
            try:
                _check(project_id, row, secrets, shape.imports)
            except Unreadable as error:
                broken[row.id] = error
    return broken


def _unless_broken(read: _Read | FolderMissing, broken: Mapping[UUID, Unreadable]) -> list[UUID] | VaultError:
    if isinstance(read, VaultError):
        return read
    return next((error for folder_id, error in broken.items() if folder_id in read.needed), read.chosen)


def _check(
    project_id: UUID,
    row: _Row,
    secrets: Mapping[UUID, Sequence[_SecretRow]],
    imports: Mapping[UUID, Sequence[ImportRow]],
) -> None:
    check_whole(row.as_folder(project_id), secrets.get(row.id, []), imports.get(row.id, []))
