"""What is wrong with the references of values, for the pages: where they lead to nothing, and what is none."""

from collections.abc import Iterable
from dataclasses import dataclass

from vault.errors import SourceError
from vault.loading import load_resolver
from vault.models import Folder, Secret, SecretReference
from vault.references import Reference, find_lookalikes
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


def broken_references(folder: Folder, resolver: Resolver, *, secret: Secret | None = None) -> list[Broken]:
    """Those of a folder's own secrets, or of one of them; syncs that read them fail."""
    edges = SecretReference.objects.filter(secret__folder=folder).select_related("secret").defer("secret__sealed_value")
    if secret is not None:
        edges = edges.filter(secret=secret)
    found: list[Broken] = []
    for edge in edges.order_by("secret__key", "key"):
        if resolver.find(folder.id, edge.reference) is None and not edge.reference.is_weak:
            missing = resolver.describe_missing(folder.id, edge.reference) if len(found) < DESCRIBED else ""
            found.append(Broken(edge.secret, edge.reference, missing))
    return found


def broken_references_of(secret: Secret) -> list[Broken]:
    """Of one secret; none where its folder can't be read, which the folder's page says."""
    if not secret.references.exists():
        return []
    try:
        resolver, _ = load_resolver(secret.folder)
        return broken_references(secret.folder, resolver, secret=secret)
    except SourceError:
        return []


def find_all_lookalikes(secrets: Iterable[Secret]) -> list[Lookalikes]:
    """Opens the values and hands out the names of these parts alone; a value that can't be opened has none."""
    found = []
    for secret in secrets:
        try:
            parts = [] if secret.is_literal else find_lookalikes(open_value(secret))
        except SourceError:
            parts = []
        if parts:
            found.append(Lookalikes(secret, parts))
    return found
