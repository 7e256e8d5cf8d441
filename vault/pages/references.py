"""What is wrong with the references of values, for the pages: where they lead to nothing, and what is none."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from vault.access import Sight
from vault.errors import SourceError
from vault.loading import load_resolver
from vault.models import Folder, Secret, SecretReference
from vault.reading import list_keys
from vault.references import Reference, find_lookalikes, find_references
from vault.resolution import Resolver
from vault.values import open_value

# As many as pages show: looking for what a reference may have meant takes a while.
DESCRIBED = 10


@dataclass(frozen=True)
class Broken:
    """A reference that leads to nothing; `missing` says what lacks and what it may have meant."""

    secret: Secret
    reference: Reference
    missing: str


@dataclass(frozen=True)
class Lookalikes:
    """The parts of a secret's value that look like references and are text."""

    secret: Secret
    parts: list[str]


def broken_references(
    folder: Folder, resolver: Resolver, *, secret: Secret | None = None, sees: Sight | None = None
) -> list[Broken]:
    """Those of a folder's own secrets, or of one of them; syncs that read them fail. None to what `sees` denies."""
    edges = SecretReference.objects.filter(secret__folder=folder).select_related("secret").defer("secret__sealed_value")
    if secret is not None:
        edges = edges.filter(secret=secret)
    found: list[Broken] = []
    for edge in edges.order_by("secret__key", "key"):
        if sees is not None and edge.environment_slug and not sees(edge.environment_slug, edge.path):
            continue
        if resolver.find(folder.id, edge.reference) is None and not edge.reference.is_weak:
            missing = resolver.describe_missing(folder.id, edge.reference) if len(found) < DESCRIBED else ""
            found.append(Broken(edge.secret, edge.reference, missing))
    return found


def broken_references_of(secret: Secret, sees: Sight | None) -> list[Broken]:
    """Of one secret; none where its folder can't be read, which the folder's page says."""
    if not secret.references.exists():
        return []
    try:
        resolver, _ = load_resolver(secret.folder, sees=sees)
        return broken_references(secret.folder, resolver, secret=secret, sees=sees)
    except SourceError:
        return []


def find_all_lookalikes(secrets: Iterable[Secret], folder: Folder) -> list[Lookalikes]:
    """Of secrets of a folder. Opens the values and hands out the names of these parts alone."""
    rows = list(secrets)
    shown = _keys_of(folder) if _may_have_weak(rows) else set()
    found = []
    for secret in rows:
        if parts := _lookalikes_in(secret, shown):
            found.append(Lookalikes(secret, parts))
    return found


def _lookalikes_in(secret: Secret, shown: Container[str]) -> list[str]:
    """A name with dots that only a key could have, and none has, is one too. A value that can't be opened has none."""
    try:
        value = "" if secret.is_literal else open_value(secret)
    except SourceError:
        return []
    weak = [one for one in find_references(value) if one.is_weak and one.key not in shown]
    return [*find_lookalikes(value), *map(str, weak)]


def _keys_of(folder: Folder) -> set[str]:
    try:
        return set(list_keys(folder))
    except SourceError:
        return set()


def _may_have_weak(secrets: list[Secret]) -> bool:
    edges = SecretReference.objects.filter(secret__in=secrets, environment_slug="")
    return any("." in key for key in edges.values_list("key", flat=True))
