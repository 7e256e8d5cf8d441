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

from vault.links import load_links
from vault.models import Project
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
    """The edges of a project, in one statement."""
    edges, links = Edges(), load_links(project_id, resolved=True)
    for rows in links.imports.values():
        for row in rows:
            edges.importers[row.source_id].append(row.folder_id)
    for each in links.references:
        # In its own folder a reference may mean a key of just this name, dots and all.
        inner = Reference(each.key, each.environment_slug, each.path).inner
        edges.referrers[each.folder_id].append((inner, each.folder_id, each.secret_key))
        if each.referred_id is not None:
            edges.referrers[each.referred_id].append((each.key, each.folder_id, each.secret_key))
    return edges
