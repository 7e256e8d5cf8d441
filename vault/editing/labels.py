"""What clients keep with secrets besides their values: tags, metadata, reminders. Syncs may choose by tags."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone

from encryption import seal
from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.change import Change, changing
from vault.editing.upkeep import find_tags, note_due
from vault.errors import Invalid, Taken
from vault.models import Project, Secret, SecretMetadata, Tag
from vault.rules import clean_slug
from vault.signals import Aspect

FEW = 500


@dataclass(frozen=True)
class Metadatum:
    key: str
    value: str = field(repr=False)
    is_encrypted: bool = False


@dataclass(frozen=True)
class Labels:
    """What to keep with a secret; None leaves a thing as it is."""

    tag_ids: Sequence[UUID] | None = None
    metadata: Sequence[Metadatum] | None = None
    reminder_note: str | None = None
    reminder_days: int | None = None
    skip_multiline_encoding: bool | None = None

    @property
    def columns(self) -> dict[str, object]:
        named = ("reminder_note", "reminder_days", "skip_multiline_encoding")
        return {name: getattr(self, name) for name in named if getattr(self, name) is not None}

    def __bool__(self) -> bool:
        return bool(self.columns) or self.tag_ids is not None or self.metadata is not None


def create_tag(project: Project, slug: str, *, name: str = "", color: str = "", by: Actor) -> Tag:
    by.demand("vault.add_tag", Place(project.pk))
    with changing(project.pk, by):
        tag = Tag(project=project)
        return _write_tag(tag, slug, name=name, color=color)


def update_tag(tag: Tag, *, slug: str | None, name: str | None, color: str | None, by: Actor) -> Tag:
    """Changes what is given."""
    by.demand("vault.change_tag", Place(tag.project_id))
    with changing(tag.project_id, by) as change:
        tag.secrets.update(updated_at=timezone.now(), updated_by=by.user)
        if slug not in (None, tag.slug):
            _mark_all(change, tag)
        return _write_tag(tag, tag.slug if slug is None else slug, name=name, color=color)


def delete_tag(tag: Tag, *, by: Actor) -> None:
    """Takes it from all secrets that have it."""
    by.demand("vault.delete_tag", Place(tag.project_id))
    with changing(tag.project_id, by) as change:
        change.remember([tag])
        tag.secrets.update(updated_at=timezone.now(), updated_by=by.user)
        _mark_all(change, tag)
        tag.delete()


def _mark_all(change: Change, tag: Tag) -> None:
    """Before it goes from all that have it, or is called something else."""
    change.mark_beside(Aspect.TAGS, tag.secrets.order_by().values_list("folder_id", "key"))


def _write_tag(tag: Tag, slug: str, *, name: str | None, color: str | None) -> Tag:
    tag.slug = clean_slug(slug)
    tag.name = tag.name if name is None else name.strip()
    tag.color = tag.color if color is None else color.strip()
    if Tag.objects.filter(project_id=tag.project_id, slug=tag.slug).exclude(pk=tag.pk).exists():
        raise Taken(f"There is a tag {tag.slug} in this project already. Choose another slug.", field="slug")
    tag.save()
    return tag


def change_tags(
    project: Project, secrets: Sequence[Secret], *, add: Sequence[str], remove: Sequence[Tag], by: Actor
) -> None:
    """Puts tags, by their slugs, on secrets of the project, and takes others from them. Makes those that it lacks."""
    by.demand_writing(*{place_of(secret.folder) for secret in secrets})
    with changing(project.pk, by) as change:
        change.remember(secrets)
        change.mark_beside(Aspect.TAGS, ((secret.folder_id, secret.key) for secret in secrets))
        added = find_tags(project, add, by=by)
        through, ids = Secret.tags.through, [secret.pk for secret in secrets]
        for some in _chunks(secrets):
            links = through.objects.filter(secret_id__in=[secret.pk for secret in some])
            links.filter(tag_id__in=[tag.pk for tag in (*added, *remove)]).delete()
            rows = Secret.objects.filter(pk__in=[secret.pk for secret in some])
            rows.update(updated_at=timezone.now(), updated_by=by.user)
        new = [through(secret_id=id_, tag_id=tag.pk) for id_ in ids for tag in added]
        through.objects.bulk_create(new, batch_size=FEW)


def add_tags(change: Change, project: Project, tags: Mapping[Secret, Collection[str]]) -> None:
    """By slugs, beside those that they have; what the project lacks is made. For callers that hold the transaction."""
    wanted = {secret: slugs for secret, slugs in tags.items() if slugs}
    if not wanted:
        return
    change.mark_beside(Aspect.TAGS, ((secret.folder_id, secret.key) for secret in wanted))
    slugs = sorted({slug for each in wanted.values() for slug in each})
    by_slug = {tag.slug: tag.pk for tag in find_tags(project, slugs, by=change.by)}
    through = Secret.tags.through
    links = [through(secret_id=secret.pk, tag_id=by_slug[slug]) for secret, each in wanted.items() for slug in each]
    through.objects.bulk_create(links, batch_size=FEW, ignore_conflicts=True)


def set_labels(project_id: UUID, labels: Mapping[Secret, Labels], *, by: Actor) -> None:
    """Of many secrets of a project, all or none, in as many statements as of one, for each chunk of them."""
    wanted = {secret: each for secret, each in labels.items() if each}
    if not wanted:
        return
    by.demand_writing(*{place_of(secret.folder) for secret in wanted})
    with changing(project_id, by) as change:
        change.remember(wanted)
        _set_columns(wanted, by)
        tags = {secret: each.tag_ids for secret, each in wanted.items() if each.tag_ids is not None}
        change.mark_beside(Aspect.TAGS, ((secret.folder_id, secret.key) for secret in tags))
        _set_tags(project_id, tags)
        _set_metadata({secret: each.metadata for secret, each in wanted.items() if each.metadata is not None})


def _set_columns(labels: Mapping[Secret, Labels], by: Actor) -> None:
    """The time of change too, whatever was changed: it tells whether an answer is still the same; and who did it."""
    now = timezone.now()
    for secret, each in labels.items():
        secret.updated_at, secret.updated_by = now, by.user
        for name, value in each.columns.items():
            setattr(secret, name, value)
        note_due(secret)
    fields = ["reminder_note", "reminder_days", "skip_multiline_encoding", "due_on", "updated_at", "updated_by"]
    Secret.objects.bulk_create(
        labels, update_conflicts=True, unique_fields=["id"], update_fields=fields, batch_size=FEW
    )


def _set_tags(project_id: UUID, tags: Mapping[Secret, Sequence[UUID]]) -> None:
    asked = {tag_id for ids in tags.values() for tag_id in ids}
    there = set(Tag.objects.filter(project_id=project_id, id__in=asked).values_list("id", flat=True))
    if missing := sorted(asked - there):
        raise Invalid(f"The project has no tag with the ID {missing[0]}. Create it first.", field="tagIds")
    through = Secret.tags.through
    for some in _chunks(list(tags)):
        through.objects.filter(secret_id__in=[secret.pk for secret in some]).delete()
    rows = [
        through(secret_id=secret.pk, tag_id=tag_id) for secret, ids in tags.items() for tag_id in dict.fromkeys(ids)
    ]
    through.objects.bulk_create(rows, batch_size=FEW)


def _set_metadata(metadata: Mapping[Secret, Sequence[Metadatum]]) -> None:
    for some in _chunks(list(metadata)):
        SecretMetadata.objects.filter(secret_id__in=[secret.pk for secret in some]).delete()
    rows = [_as_row(secret, each) for secret, pairs in metadata.items() for each in pairs]
    SecretMetadata.objects.bulk_create(rows, batch_size=FEW)


def _as_row(secret: Secret, pair: Metadatum) -> SecretMetadata:
    row = SecretMetadata(secret=secret, key=pair.key)
    if pair.is_encrypted:
        row.sealed_value = seal(pair.value, context=row.sealing_context())
    else:
        row.value = pair.value
    return row


def _chunks(secrets: Sequence[Secret]) -> list[Sequence[Secret]]:
    return [secrets[start : start + FEW] for start in range(0, len(secrets), FEW)]
