"""Which folders a change reaches: through imports, through references, through any number of both.

Pure but for how edges are loaded. A changed thing is a folder and a key, or a folder and None for all its keys:

    changed here            and so changed
    (source, key)           (each folder that imports source, key)
    (folder, key)           (folder of each secret that refers to key in folder, that secret's key)
"""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from vault.models import Folder, Project, SecretImport, SecretReference
from vault.references import Reference

Changed = tuple[UUID, str | None]


@dataclass(frozen=True)
class Edges:
    """`importers` by source; `referrers` by the folder referred to: that key, and the secret's folder and key."""

    importers: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    referrers: dict[UUID, list[tuple[str, UUID, str]]] = field(default_factory=lambda: defaultdict(list))


def find_affected(changed: Iterable[Changed], edges: Edges) -> set[UUID]:
    """The folders that may look different now, the changed ones included; cycles do no harm."""
    return {folder for folder, _ in find_affected_keys(changed, edges)}


def find_affected_keys(
    changed: Iterable[Changed], edges: Edges, *, owned: Container[Changed] = frozenset()
) -> set[Changed]:
    """The same by key. What is `owned`, an importer has of its own, so that it sees none of it from elsewhere."""
    waiting = list(changed)
    seen = set(waiting)
    while waiting:
        for one in _reached_from(waiting.pop(), edges, owned):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return seen


def _reached_from(changed: Changed, edges: Edges, owned: Container[Changed]) -> Iterable[Changed]:
    folder, key = changed
    for importer in edges.importers.get(folder, ()):
        if (importer, key) not in owned:
            yield importer, key
    for referred_key, referring_folder, referring_key in edges.referrers.get(folder, ()):
        if key in (None, referred_key):
            yield referring_folder, referring_key


@dataclass(frozen=True)
class SeenEdges:
    """The edges of a project as they were at a number of its counter of changes, or at a later one."""

    revision: int
    edges: Edges

    @classmethod
    def of(cls, project: Project) -> "SeenEdges":
        """By the counter as the row was loaded, which is before the edges are."""
        return cls(project.revision, load_edges(project.pk))


def load_edges(project_id: UUID) -> Edges:
    """The edges of a project, in two queries, and a third where secrets refer to other folders."""
    edges = Edges()
    imports = SecretImport.objects.filter(folder__environment__project_id=project_id).order_by()
    for folder_id, source_id in imports.values_list("folder_id", "source_id"):
        edges.importers[source_id].append(folder_id)
    found = SecretReference.objects.filter(secret__folder__environment__project_id=project_id)
    references = list(found.values_list("secret__folder_id", "secret__key", "environment_slug", "path", "key"))
    ids = _ids_of_places(project_id) if any(slug for _, _, slug, _, _ in references) else {}
    for folder_id, secret_key, slug, path, key in references:
        # In its own folder a reference may mean a key of just this name, dots and all.
        edges.referrers[folder_id].append((Reference(key, slug, path).inner, folder_id, secret_key))
        referred_id = ids.get((slug, path))
        if referred_id:
            edges.referrers[referred_id].append((key, folder_id, secret_key))
    return edges


def _ids_of_places(project_id: UUID) -> dict[tuple[str, str], UUID]:
    rows = Folder.objects.filter(environment__project_id=project_id).order_by()
    return {(slug, path): id_ for id_, slug, path in rows.values_list("id", "environment__slug", "path")}
