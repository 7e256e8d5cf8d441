"""What is kept with a secret besides its value goes with it: to a copy, and into another project."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from encryption import seal, unseal
from vault.editing.upkeep import ROTATION
from vault.models import Project, Secret, SecretMetadata, Tag

FEW = 500
COLUMNS = ("reminder_note", "reminder_days", "skip_multiline_encoding", "owner", *ROTATION)


def copy_labels(pairs: Sequence[tuple[Secret, Secret]], project_id: UUID) -> None:
    """From each first secret to its second, which is new, in this project."""
    for old, new in pairs:
        for column in COLUMNS:
            setattr(new, column, getattr(old, column))
    Secret.objects.bulk_update([new for _, new in pairs], COLUMNS, batch_size=FEW)
    copies = {old.id: new for old, new in pairs}
    for some in _chunks(list(copies)):
        _put_tags({copies[id_]: tags for id_, tags in _tags_of(some).items()}, project_id)
        rows = SecretMetadata.objects.filter(secret_id__in=some)
        SecretMetadata.objects.bulk_create([_copied(row, copies[row.secret_id]) for row in rows], batch_size=FEW)


def retag(secrets: Sequence[Secret], project_id: UUID) -> None:
    """Of secrets that have come from another project: they get this one's tags of the same slugs, made if need be."""
    rows = {secret.id: secret for secret in secrets}
    for some in _chunks(list(rows)):
        tags = {rows[id_]: its for id_, its in _tags_of(some).items()}
        Secret.tags.through.objects.filter(secret_id__in=some).delete()
        _put_tags(tags, project_id)


def _tags_of(secret_ids: Sequence[UUID]) -> dict[UUID, list[Tag]]:
    found: dict[UUID, list[Tag]] = {}
    links = Secret.tags.through.objects.filter(secret_id__in=secret_ids).select_related("tag")
    for link in links:
        found.setdefault(link.secret_id, []).append(link.tag)
    return found


def _put_tags(tags: Mapping[Secret, Sequence[Tag]], project_id: UUID) -> None:
    own = _own_tags({tag for its in tags.values() for tag in its}, project_id)
    through = Secret.tags.through
    links = [through(secret_id=secret.id, tag_id=own[tag.slug]) for secret, its in tags.items() for tag in its]
    through.objects.bulk_create(links, batch_size=FEW)


def _own_tags(tags: Iterable[Tag], project_id: UUID) -> dict[str, UUID]:
    by_slug = {tag.slug: tag for tag in tags}
    own = dict(Tag.objects.filter(project_id=project_id, slug__in=by_slug).values_list("slug", "id"))
    for slug in by_slug.keys() - own.keys():
        tag = by_slug[slug]
        project = Project(id=project_id)
        own[slug] = Tag.objects.create(project=project, slug=slug, name=tag.name, color=tag.color).id
    return own


def _copied(row: SecretMetadata, secret: Secret) -> SecretMetadata:
    copy = SecretMetadata(secret=secret, key=row.key, value=row.value)
    if row.is_encrypted:
        value = unseal(row.sealed_value, context=row.sealing_context())
        copy.sealed_value = seal(value, context=copy.sealing_context())
    return copy


def _chunks(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + FEW] for start in range(0, len(ids), FEW)]
