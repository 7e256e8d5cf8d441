"""Writes secrets for callers of the API, one or many, all or none."""

from collections.abc import Sequence

from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.secrets.answers import answer_for, own_secret
from api.resources.secrets.schemas import ChangedSecret, NewSecret, SecretOut, UpdateSecret
from vault import editing
from vault.errors import Missing
from vault.models import Folder, Secret
from vault.values import open_value


def create_secrets(caller: Caller, folder: Folder, new: Sequence[NewSecret]) -> list[SecretOut]:
    """Refused if one of them is there already."""
    values = _by_key({secret.secret_key: secret.secret_value for secret in new}, count=len(new))
    comments = {secret.secret_key: secret.secret_comment for secret in new}
    with transaction.atomic():
        editing.set_secrets(folder, values, comments=comments, must_exist=False, user=caller.user)
        secrets = list(Secret.objects.filter(folder=folder, key__in=list(values)))
        note_added(caller, *secrets)
    return answer_for(caller, secrets, values)


def update_secret(caller: Caller, folder: Folder, key: str, change: UpdateSecret | ChangedSecret) -> SecretOut:
    with transaction.atomic():
        secret = _update(caller, own_secret(folder, key), change)
    return answer_for(caller, [secret], {secret.key: open_value(secret)})[0]


def update_secrets(caller: Caller, folder: Folder, changes: Sequence[ChangedSecret], *, mode: str) -> list[SecretOut]:
    """`mode` tells what becomes of keys that are missing: an error, nothing, or a new secret."""
    _by_key({change.secret_key: "" for change in changes}, count=len(changes))
    with transaction.atomic():
        there = {
            secret.key: secret
            for secret in Secret.objects.select_related("folder__environment").filter(
                folder=folder, key__in=[change.secret_key for change in changes]
            )
        }
        missing = [change for change in changes if change.secret_key not in there]
        if missing and mode == "failOnNotFound":
            names = ", ".join(change.secret_key for change in missing[:10])
            raise Missing(f"There is no secret {names} in {folder}. Create it first, or send mode upsert.")
        secrets = [_update(caller, there[change.secret_key], change) for change in changes if change not in missing]
        if mode == "upsert":
            secrets += _create_missing(caller, folder, missing)
    return answer_for(caller, secrets, {secret.key: open_value(secret) for secret in secrets})


def delete_secrets(caller: Caller, folder: Folder, keys: Sequence[str]) -> list[SecretOut]:
    """Refused if one of them is not there."""
    with transaction.atomic():
        secrets = [own_secret(folder, key) for key in dict.fromkeys(keys)]
        answer = answer_for(caller, secrets, {secret.key: open_value(secret) for secret in secrets})
        note_deleted(caller, *secrets)
        editing.delete_secrets(secrets, user=caller.user)
    return answer


def _update(caller: Caller, secret: Secret, change: UpdateSecret | ChangedSecret) -> Secret:
    changed = editing.update_secret(
        secret,
        key=change.new_secret_name,
        value=change.secret_value,
        comment=change.secret_comment,
        user=caller.user,
    )
    note_changed(caller, changed)
    return changed


def _create_missing(caller: Caller, folder: Folder, missing: Sequence[ChangedSecret]) -> list[Secret]:
    values = {change.new_secret_name or change.secret_key: change.secret_value or "" for change in missing}
    comments = {change.new_secret_name or change.secret_key: change.secret_comment or "" for change in missing}
    if not values:
        return []
    editing.set_secrets(folder, values, comments=comments, user=caller.user)
    secrets = list(Secret.objects.filter(folder=folder, key__in=list(values)))
    note_added(caller, *secrets)
    return secrets


def _by_key(values: dict[str, str], *, count: int) -> dict[str, str]:
    if len(values) != count:
        raise BadRequest("A key stands more than once in this request. Send each key once.")
    return values
