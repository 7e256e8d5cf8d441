"""What people keep with secrets: whom to ask, when a new value is due, and the words to find them by.

Nothing of it reaches Devin. By the words syncs may choose, so of these their readers are told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.change import changing
from vault.models import Project, Secret, Tag
from vault.rotation import first_due, is_met
from vault.rules import clean_owner, clean_slug
from vault.signals import Aspect

# The columns that an entered value and an upkeep move.
ROTATION = ("rotated_on", "rotate_by", "due_on")


@dataclass(frozen=True)
class Upkeep:
    """All of it, as it is to be; `tags` by their slugs."""

    owner: str = ""
    rotate_by: date | None = None
    every_days: int | None = None
    tags: Sequence[str] = ()

    @classmethod
    def of(cls, secret: Secret) -> "Upkeep":
        slugs = tuple(sorted(secret.tags.values_list("slug", flat=True)))
        return cls(secret.owner, secret.rotate_by, secret.reminder_days or None, slugs)


def note_rotation(secrets: Iterable[Secret]) -> None:
    """On rows whose values are entered anew, and which the caller writes. Whether the value is another one says
    nothing here: else whoever may not read it could tell a right guess by it."""
    today = timezone.localdate()
    for secret in secrets:
        secret.rotated_on = today
        if is_met(secret.rotate_by, on=today):
            secret.rotate_by = None
        note_due(secret)


def note_due(secret: Secret) -> None:
    secret.due_on = first_due(rotated_on=secret.rotated_on, every_days=secret.reminder_days, rotate_by=secret.rotate_by)


def set_upkeep(secret: Secret, upkeep: Upkeep, *, by: Actor) -> None:
    """Makes the tags that the project lacks."""
    project = secret.folder.environment.project
    owner = clean_owner(upkeep.owner)
    by.demand_writing(place_of(secret.folder))
    with changing(project.pk, by) as change:
        row = Secret.objects.defer("sealed_value").get(pk=secret.pk)
        row.owner, row.rotate_by, row.reminder_days = owner, upkeep.rotate_by, upkeep.every_days
        row.updated_at, row.updated_by = timezone.now(), by.user
        note_due(row)
        row.save(update_fields=["owner", "rotate_by", "reminder_days", "due_on", "updated_at", "updated_by"])
        tags = find_tags(project, upkeep.tags, by=by)
        if {tag.pk for tag in tags} != set(row.tags.order_by().values_list("pk", flat=True)):
            change.mark_beside(Aspect.TAGS, [(row.folder_id, row.key)])
            row.tags.set(tags)


def find_tags(project: Project, slugs: Iterable[str], *, by: Actor) -> list[Tag]:
    """For callers that hold the transaction. Those that are not there are made."""
    wanted = list(dict.fromkeys(clean_slug(slug) for slug in slugs))
    there = {tag.slug: tag for tag in Tag.objects.filter(project=project, slug__in=wanted)}
    missing = [slug for slug in wanted if slug not in there]
    if missing:
        by.demand("vault.add_tag", Place(project.pk))
    new = Tag.objects.bulk_create([Tag(project=project, slug=slug) for slug in missing])
    return [*there.values(), *new]
