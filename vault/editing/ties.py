"""What the references of projects lead to, before and after secrets move; and how those that are cut can follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from vault.editing.change import Change
from vault.editing.secrets import write_others
from vault.editing.transferred import Retold
from vault.errors import SourceError
from vault.loading import load_resolver
from vault.models import Secret, SecretReference
from vault.references import Reference, parse_reference, rewrite
from vault.referrers import leads_to
from vault.resolution import Resolver, StoredSecret
from vault.values import open_value

Edges = Mapping[int, SecretReference]


@dataclass(frozen=True)
class Tie:
    """A reference, and the secret that it leads to."""

    edge: SecretReference
    secret_id: UUID


def load_ties(project_ids: Collection[UUID]) -> list[Tie]:
    """Those that lead anywhere; none where a project can't be read whole, which those who read it are told."""
    edges = _load_edges(project_ids)
    try:
        resolvers = _load_resolvers(edges)
        found = [(edge, _find(resolvers, edge)) for edge in edges.values()]
    except SourceError:
        return []
    return [Tie(edge, secret.id) for edge, secret in found if secret is not None]


class Ties:
    """Those of the projects of a change, or of two, as they are before anything moves."""

    def __init__(self, *changes: Change) -> None:
        self._changes = {change.project_id: change for change in changes}
        self._before = load_ties(self._changes)

    def find_cut(self) -> list[Retold]:
        """Those that lead elsewhere or nowhere now."""
        for change in self._changes.values():
            # What is read must be whole.
            change.seals.renew()
        edges = _load_edges(self._changes) if self._before else {}
        resolvers = _load_resolvers(edges)
        there = [(edges[tie.edge.pk], tie.secret_id) for tie in self._before if tie.edge.pk in edges]
        cut = [(edge, id_) for edge, id_ in there if not _leads(resolvers, edge, edge.reference, id_)]
        rows = Secret.objects.select_related("folder__environment").defer("sealed_value")
        targets = rows.in_bulk({id_ for _, id_ in cut})
        return [Retold(edge, _follow(resolvers, edge, targets.get(id_))) for edge, id_ in cut]

    def carry(self, cut: Sequence[Retold]) -> None:
        """Lets those that can follow their secrets do so; each value is a new version."""
        renamed: dict[UUID, dict[UUID, dict[Reference, Reference]]] = {}
        for one in cut:
            if one.new is not None:
                of_project = renamed.setdefault(_project_of(one.edge), {})
                of_project.setdefault(one.edge.secret_id, {})[one.edge.reference] = one.new
        for project_id, by_secret in renamed.items():
            rows = Secret.objects.select_related("folder__environment").filter(id__in=by_secret)
            drafts = [(row, rewrite(open_value(row), by_secret[row.id].get)) for row in rows]
            write_others(self._changes[project_id], drafts)


def _find(resolvers: Mapping[UUID, Resolver], edge: SecretReference) -> StoredSecret | None:
    return resolvers[_project_of(edge)].find(edge.secret.folder_id, edge.reference)


def _leads(resolvers: Mapping[UUID, Resolver], edge: SecretReference, reference: Reference, id_: UUID) -> bool:
    return leads_to(resolvers[_project_of(edge)], edge.secret.folder_id, reference, id_)


def _follow(resolvers: Mapping[UUID, Resolver], edge: SecretReference, target: Secret | None) -> Reference | None:
    """By the place where the secret is now, if that can be said there and means it."""
    if target is None:
        return None
    new = Reference(target.key, target.folder.environment.slug, target.folder.path)
    return new if parse_reference(new.inner) == new and _leads(resolvers, edge, new, target.id) else None


def _project_of(edge: SecretReference) -> UUID:
    return edge.secret.folder.environment.project_id


def _load_edges(project_ids: Collection[UUID]) -> Edges:
    rows = SecretReference.objects.filter(secret__folder__environment__project_id__in=project_ids).order_by("pk")
    return rows.select_related("secret__folder__environment").defer("secret__sealed_value").in_bulk()


def _load_resolvers(edges: Edges) -> dict[UUID, Resolver]:
    folders = {_project_of(edge): edge.secret.folder for edge in edges.values()}
    return {
        id_: load_resolver(folder, whole_project=True, follow_references=False)[0] for id_, folder in folders.items()
    }
