"""What of a project deserves a look: values that nobody has changed for long, and one value that is in several places.

Values are compared by their keyed fingerprints, and which are equal is for those alone who may read them. What is too
short to be a secret, and what refers to others, is not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from common import clock
from encryption import fingerprint
from vault.errors import Unreadable
from vault.models import Environment, Project, Secret, SecretVersion
from vault.references import escape
from vault.values import open_value

PURPOSE = "vault.ageing"
# "true", "5432", "info": equal in many places, and no secret.
SHORTEST = 8
# Opened to answer one request.
MOST_OPENED = 10_000

CHANGED = SecretVersion.objects.filter(secret_id=OuterRef("pk"), version=OuterRef("version")).values("created_at")[:1]


@dataclass(frozen=True)
class Repeated:
    """The secrets that have one value, by their places."""

    secrets: list[Secret]

    @property
    def folder_count(self) -> int:
        return len({secret.folder_id for secret in self.secrets})


def find_old(project: Project, environment: Environment | None, *, days: int) -> QuerySet[Secret]:
    """Those whose value is older than so many days, the oldest first, with the time as `changed`. Opens nothing."""
    rows = _secrets(project, environment).annotate(changed=Subquery(CHANGED))
    return rows.filter(changed__lt=clock.now() - timedelta(days=days)).order_by("changed", "pk").defer("sealed_value")


def count_to_open(project: Project, environment: Environment | None, *, among: QuerySet[Secret]) -> int:
    return _comparable(project, environment, among).count()


def find_repeated(project: Project, environment: Environment | None, *, among: QuerySet[Secret]) -> list[Repeated]:
    """The most often repeated first, `among` those that may be read. For callers that have looked at how many would be
    opened."""
    found: dict[str, list[Secret]] = {}
    for secret in _comparable(project, environment, among).order_by(
        "folder__environment__position", "folder__path", "key"
    ):
        for mark in _fingerprint(secret):
            found.setdefault(mark, []).append(secret)
    repeated = [Repeated(secrets) for secrets in found.values() if len(secrets) > 1]
    return sorted(repeated, key=lambda each: (-len(each.secrets), str(each.secrets[0].folder), each.secrets[0].key))


def _fingerprint(secret: Secret) -> Iterator[str]:
    """One, or none of what can't be compared."""
    try:
        value = open_value(secret)
    except Unreadable:
        return
    if len(value) >= SHORTEST:
        yield fingerprint(PURPOSE, escape(value) if secret.is_literal else value)


def _secrets(
    project: Project, environment: Environment | None, among: QuerySet[Secret] | None = None
) -> QuerySet[Secret]:
    every = Secret.objects.all() if among is None else among
    rows = every.select_related("folder__environment").filter(folder__environment__project=project)
    return rows if environment is None else rows.filter(folder__environment=environment)


def _comparable(project: Project, environment: Environment | None, among: QuerySet[Secret]) -> QuerySet[Secret]:
    return _secrets(project, environment, among).filter(references__isnull=True)
