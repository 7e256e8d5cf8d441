"""Writing secrets: sealed, versioned, with their references noted; a value that is there already is no change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from encryption import seal
from vault.editing.change import Change, changing
from vault.errors import Invalid, Missing, Outdated, Taken
from vault.models import Folder, Secret, SecretReference, SecretVersion
from vault.references import find_references
from vault.rules import check_value, clean_comment, clean_key
from vault.values import open_value, open_version

# Rows a statement: every database takes this many parameters.
FEW = 500


@dataclass(frozen=True)
class Written:
    """The keys that a write created, changed, and found as they should be."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def set_secret(folder: Folder, key: str, value: str, *, comment: str | None = None, user: User | None) -> Secret:
    """Creates or changes one; without a comment, the one it has stays."""
    key = clean_key(key)
    set_secrets(folder, {key: value}, comments={} if comment is None else {key: comment}, user=user)
    return Secret.objects.get(folder=folder, key=key)


def set_secrets(
    folder: Folder,
    values: Mapping[str, str],
    *,
    comments: Mapping[str, str] | None = None,
    must_exist: bool | None = None,
    user: User | None,
) -> Written:
    """Creates and changes many, all or none; `must_exist` refuses keys that are missing (True) or there (False)."""
    _check_values(values)
    comments = {key: clean_comment(comment) for key, comment in (comments or {}).items()}
    with changing(folder.environment.project_id, user) as change:
        existing = _existing(folder, values)
        _check_presence(folder, values, existing, must_exist)
        written, drafts = compare(existing, values), []
        for key in written.created:
            drafts.append((Secret(folder=folder, key=key, comment=comments.get(key, ""), version=0), values[key]))
        for key in written.changed:
            existing[key].comment = comments.get(key, existing[key].comment)
            drafts.append((existing[key], values[key]))
        _write(change, drafts)
        _write_comments([existing[key] for key in written.unchanged], comments)
    return written


def preview_secrets(folder: Folder, values: Mapping[str, str]) -> Written:
    """What `set_secrets` would do; writes nothing."""
    _check_values(values)
    return compare(_existing(folder, values), values)


def compare(existing: Mapping[str, Secret], values: Mapping[str, str]) -> Written:
    written = Written()
    for key, value in values.items():
        if key not in existing:
            written.created.append(key)
        elif open_value(existing[key]) == value:
            written.unchanged.append(key)
        else:
            written.changed.append(key)
    return written


def update_secret(
    secret: Secret,
    *,
    key: str | None = None,
    value: str | None = None,
    comment: str | None = None,
    expected_version: int | None = None,
    user: User | None,
) -> Secret:
    """Changes what is given; `expected_version` refuses to write over what somebody else wrote in the meantime."""
    folder = secret.folder
    new_key = secret.key if key is None else clean_key(key)
    if value is not None:
        check_value(new_key, value)
    with changing(folder.environment.project_id, user) as change:
        current = _current(secret, expected_version)
        _rename(change, current, new_key)
        if comment is not None:
            _write_comments([current], {new_key: clean_comment(comment)})
        if value is not None and open_value(current) != value:
            _write(change, [(current, value)])
    return current


def rename_secret(secret: Secret, key: str, *, user: User | None) -> Secret:
    return update_secret(secret, key=key, user=user)


def restore_version(secret: Secret, version: int, *, user: User | None) -> Secret:
    """Makes what the secret was at a version its newest version, comment included."""
    old = secret.versions.filter(version=version).first()
    if old is None:
        raise Missing(f"{secret.key} has no version {version}. Choose one of those listed.")
    return update_secret(secret, value=open_version(old, key=secret.key), comment=old.comment, user=user)


def delete_secret(secret: Secret, *, user: User | None) -> None:
    delete_secrets([secret], user=user)


def delete_secrets(secrets: Iterable[Secret], *, user: User | None) -> None:
    """Deletes them with their versions, all or none."""
    by_project: dict[UUID, list[Secret]] = {}
    for secret in secrets:
        by_project.setdefault(secret.folder.environment.project_id, []).append(secret)
    with transaction.atomic():
        for project_id, doomed in by_project.items():
            with changing(project_id, user) as change:
                for secret in doomed:
                    change.mark(secret.folder_id, [secret.key])
                Secret.objects.filter(id__in=[secret.id for secret in doomed]).delete()


def _check_values(values: Mapping[str, str]) -> None:
    for key, value in values.items():
        if clean_key(key) != key:
            raise Invalid(f"The key “{key[:60]}” has spaces around it. Remove them.", field="key")
        check_value(key, value)


def _existing(folder: Folder, values: Mapping[str, str]) -> dict[str, Secret]:
    rows = folder.secrets.all()
    if len(values) <= FEW:
        rows = rows.filter(key__in=list(values))
    return {secret.key: secret for secret in rows}


def _check_presence(
    folder: Folder, values: Mapping[str, str], existing: Mapping[str, Secret], must_exist: bool | None
) -> None:
    if must_exist is True and (missing := sorted(set(values) - set(existing))):
        raise Missing(f"There is no secret {', '.join(missing)} in {folder}. Create it first.", field="key")
    if must_exist is False and (taken := sorted(set(values) & set(existing))):
        raise Taken(f"There is a secret {', '.join(taken)} in {folder} already. Change it there.", field="key")


def _current(secret: Secret, expected_version: int | None) -> Secret:
    """The row as it is, now that nobody else can change it."""
    current = Secret.objects.select_related("folder__environment").filter(id=secret.id).first()
    if current is None:
        raise Missing(f"The secret {secret.key} is gone. Go back to its folder.")
    if expected_version not in (None, current.version):
        raise Outdated(
            f"{secret.key} was changed meanwhile and is now at version {current.version}. "
            "Look at that version, then save again if yours should replace it.",
            field="value",
        )
    return current


def _rename(change: Change, secret: Secret, key: str) -> None:
    if key == secret.key:
        return
    if Secret.objects.filter(folder_id=secret.folder_id, key=key).exists():
        raise Taken(f"There is a secret {key} in {secret.folder} already. Choose another key.", field="key")
    change.mark(secret.folder_id, [secret.key, key])
    secret.key = key
    secret.updated_by = change.user
    secret.save(update_fields=["key", "updated_by", "updated_at"])


def _write_comments(secrets: list[Secret], comments: Mapping[str, str]) -> None:
    """A comment is no new version: nothing that is read changes."""
    for secret in secrets:
        if comments.get(secret.key, secret.comment) != secret.comment:
            secret.comment = comments[secret.key]
            secret.save(update_fields=["comment", "updated_at"])
            SecretVersion.objects.filter(secret=secret, version=secret.version).update(comment=secret.comment)


def _write(change: Change, drafts: list[tuple[Secret, str]]) -> None:
    """Seals each value as its secret's next version, and writes rows, versions and references."""
    now = timezone.now()
    for secret, value in drafts:
        secret.version += 1
        secret.sealed_value = seal(value, context=secret.sealing_context())
        secret.updated_by, secret.updated_at = change.user, now
        change.mark(secret.folder_id, [secret.key])
    secrets = [secret for secret, _ in drafts]
    Secret.objects.bulk_create(
        secrets,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["sealed_value", "comment", "version", "updated_by", "updated_at"],
        batch_size=FEW,
    )
    SecretVersion.objects.bulk_create([_as_version(secret) for secret in secrets], batch_size=FEW)
    _write_references(drafts)


def _as_version(secret: Secret) -> SecretVersion:
    return SecretVersion(
        secret=secret,
        version=secret.version,
        sealed_value=secret.sealed_value,
        comment=secret.comment,
        created_by=secret.updated_by,
    )


def _write_references(drafts: list[tuple[Secret, str]]) -> None:
    old_ids = [secret.id for secret, _ in drafts if secret.version > 1]
    for start in range(0, len(old_ids), FEW):
        SecretReference.objects.filter(secret_id__in=old_ids[start : start + FEW]).delete()
    SecretReference.objects.bulk_create(
        [
            SecretReference(
                secret=secret,
                environment_slug=reference.environment_slug,
                path=reference.path,
                key=reference.key,
            )
            for secret, value in drafts
            for reference in find_references(value)
        ],
        batch_size=FEW,
    )
