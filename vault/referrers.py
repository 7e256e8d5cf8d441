"""Who refers to whom, by whatever way: the secret's own folder, a place, an import. Opens no value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from vault.errors import SourceError
from vault.loading import load_resolver
from vault.models import Secret, SecretReference
from vault.references import Reference, parse_reference
from vault.resolution import Resolver

SHOWN = 10


def find_references_to(secret: Secret) -> list[SecretReference]:
    """The references, of other secrets, that lead to this one; none where its project's imports can't be followed."""
    rows = _edges(secret.folder.environment.project_id).filter(key__in=_names(secret.key)).exclude(secret=secret)
    edges = list(rows.select_related("secret__folder__environment").defer("secret__sealed_value"))
    if not edges:
        return []
    try:
        resolver, _ = load_resolver(secret.folder, whole_project=True, follow_references=False)
        return [edge for edge in edges if leads_to(resolver, edge.secret.folder_id, edge.reference, secret.id)]
    except SourceError:
        return []


def find_referrers(secret: Secret) -> list[Secret]:
    """The secrets that refer to this one, each once."""
    found = {edge.secret_id: edge.secret for edge in find_references_to(secret)}
    return sorted(found.values(), key=lambda other: (str(other.folder), other.key))


def leads_to(resolver: Resolver, folder_id: UUID, reference: Reference, secret_id: UUID) -> bool:
    found = resolver.find(folder_id, reference)
    return found is not None and found.id == secret_id


@dataclass(frozen=True)
class Step:
    """A secret on the way round, by its key and the folder that it is in."""

    key: str
    folder_id: UUID


def find_circles(secrets: Iterable[Secret], resolver: Resolver | None = None) -> list[tuple[Step, ...]]:
    """The secrets on each way of references that leads from one of a folder's back to it, each circle once.

    `resolver` is the folder's own, where there is one already. None where the project's imports can't be followed,
    which those who read it are told.
    """
    rows = [secret for secret in secrets if not secret.is_literal]
    edges: dict[UUID, list[Reference]] = {}
    if rows and SecretReference.objects.filter(secret__in=rows).exists():
        for edge in _edges(rows[0].folder.environment.project_id):
            edges.setdefault(edge.secret_id, []).append(edge.reference)
    found: dict[frozenset[UUID], tuple[Step, ...]] = {}
    try:
        if starts := [secret for secret in rows if secret.id in edges]:
            resolver = resolver or load_resolver(starts[0].folder)[0]
            for secret in starts:
                if circle := _follow(resolver, edges, secret):
                    found.setdefault(frozenset(circle), tuple(circle.values()))
    except SourceError:
        return []
    return list(found.values())


def _follow(resolver: Resolver, edges: dict[UUID, list[Reference]], start: Secret) -> dict[UUID, Step]:
    """By the ids of the secrets on the way back to the first; empty if there is none."""
    waiting = [(start.folder_id, {start.id: Step(start.key, start.folder_id)})]
    seen: set[UUID] = set()
    while waiting:
        folder_id, way = waiting.pop()
        for reference in edges.get(next(reversed(way)), ()):
            found = resolver.find(folder_id, reference)
            if found is None or found.is_literal or found.id in seen:
                continue
            if found.id == start.id:
                return way
            seen.add(found.id)
            waiting.append((found.folder_id, {**way, found.id: Step(found.key, found.folder_id)}))
    return {}


def describe_circle(keys: Sequence[str]) -> str:
    shown = [*keys[:SHOWN], "…"] if len(keys) > SHOWN else keys
    return " → ".join([*shown, keys[0]])


def _edges(project_id: UUID) -> QuerySet[SecretReference]:
    return SecretReference.objects.filter(secret__folder__environment__project_id=project_id)


def _names(key: str) -> set[str]:
    """What may be noted as the key of a reference to it: one with dots looks like a place to whoever reads the text."""
    parsed = parse_reference(key)
    return {key, parsed.key} if parsed else {key}
