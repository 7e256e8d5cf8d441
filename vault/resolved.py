"""A value as a reader gets it, with all references expanded, shown to a person: what else is seen by that is noted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from vault.access import demand_at, place_of, sight
from vault.errors import Missing
from vault.loading import load_resolver
from vault.models import Secret
from vault.references import find_references
from vault.resolution import Resolver, StoredSecret

NAMED = 10


@dataclass(frozen=True)
class Resolved:
    """`parts` are the secrets whose values are in it, by place and key."""

    value: str = field(repr=False)
    parts: list[Secret]


@sensitive_variables()
def reveal_resolved(secret: Secret, user: User) -> Resolved:
    """For a user who may see values. It is noted in the history of the secret, and of each that it refers to.

    Raises a SourceError where a reader would fail on it too.
    """
    demand_at(user, place_of(secret), "vault.reveal_secret")
    resolver, _ = load_resolver(
        secret.folder, sees=sight(user, "vault.reveal_secret", secret.folder.environment.project_id)
    )
    stored = resolver.own(secret.folder_id).get(secret.key)
    if stored is None:
        raise Missing(f"There is no secret {secret.key} in {secret.folder} any more.")
    value, ids = resolver.value(stored), list(_parts(resolver, stored))
    rows = Secret.objects.select_related("folder__environment").defer("sealed_value").filter(pk__in=ids)
    parts = sorted(rows, key=lambda part: (str(part.folder), part.key))
    _note(secret, parts, user)
    return Resolved(value, parts)


def _parts(resolver: Resolver, secret: StoredSecret) -> Iterator[UUID]:
    """Each secret that its value is made of, once, but for itself."""
    waiting, seen = [secret], {secret.id}
    while waiting:
        current = waiting.pop()
        if current.is_literal:
            continue
        for reference in find_references(resolver.raw_value(current)):
            found = resolver.find(current.folder_id, reference)
            if found is not None and found.id not in seen:
                seen.add(found.id)
                waiting.append(found)
                yield found.id


def _note(secret: Secret, parts: list[Secret], user: User) -> None:
    names = [f"{part.key} in {part.folder}" for part in parts[:NAMED]]
    more = f" and {len(parts) - NAMED:,} more" if len(parts) > NAMED else ""
    within = f", with the values of {', '.join(names)}{more}" if parts else ""
    said = f"Revealed the value of version {secret.version} as a reader gets it{within}."
    with transaction.atomic():
        LogEntry.objects.log_actions(user.pk, [secret], CHANGE, change_message=said, single_object=True)
        if parts:
            said = f"Revealed its value within {secret.key} of {secret.folder}."
            LogEntry.objects.log_actions(user.pk, parts, CHANGE, change_message=said)
