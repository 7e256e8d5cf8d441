"""Other syncs of an organization whose keys could be the same as this one's, judged by their key schemas alone."""

from dataclasses import dataclass
from typing import Any

from syncs.engine.changes import UNNAMED
from syncs.errors import InvalidKeySchema
from syncs.key_schema import KeySchema
from syncs.models import DevinSync
from vault.access import visible


@dataclass(frozen=True)
class Overlap:
    """Another sync whose keys could be the same, and what to do about it; `other` is None to whoever may not see it."""

    other: DevinSync | None
    advice: str


def overlapping_syncs(sync: DevinSync, *, seen_by: Any) -> list[Overlap]:
    """Other syncs of the same organization whose keys could be this one's too. `sync` need not be saved."""
    if sync.connection_id is None or not sync.org_id:
        return []
    try:
        schema = KeySchema.parse(sync.key_schema)
    except InvalidKeySchema:
        return []
    others = DevinSync.objects.filter(org_id=sync.org_id, connection__base_url=sync.connection.base_url)
    found = [
        other
        for other in others.exclude(pk=sync.pk).select_related("project")
        if schema.overlaps(
            KeySchema.parse(other.key_schema),
            environment=sync.environment_slug,
            other_environment=other.source_environment,
        )
    ]
    shown = set(visible(seen_by, DevinSync.objects.filter(pk__in=[other.pk for other in found])).values_list("pk"))
    return [
        Overlap(other if (other.pk,) in shown else None, overlap_advice(sync, other, is_named=(other.pk,) in shown))
        for other in found
    ]


def overlap_advice(sync: DevinSync, other: DevinSync, *, is_named: bool = True) -> str:
    """What may happen where two syncs can have the same keys, and which of them to give a prefix."""
    who = f"The sync “{other.name}” of {other.project.name}" if is_named else UNNAMED.capitalize()
    start = f"{who} writes to {other.org_id} too, "
    if not takes_every_key(sync) and takes_every_key(other):
        return f"{start}and has no key schema, so it takes every key there. Give that sync a prefix of its own."
    if not takes_every_key(other) and takes_every_key(sync):
        return f"{start}and without a key schema this sync takes every key there. Give this sync a prefix of its own."
    return (
        f"{start}and its keys can be the same. A key belongs to the sync that wrote it first: give each its own prefix."
    )


def takes_every_key(sync: DevinSync) -> bool:
    return not (sync.key_schema or sync.only_keys)
