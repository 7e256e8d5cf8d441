"""Writes secrets for callers of the API, one or many, all or none, in as many statements for each chunk of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.secrets.answers import FEW, REVEAL, answer_for
from api.resources.secrets.schemas import ChangedSecret, Extras, NewSecret, SecretOut, UpdateSecret
from vault import editing
from vault.access import place_of
from vault.affected import SeenEdges
from vault.errors import Missing, Unreadable
from vault.models import Folder, Secret
from vault.values import open_value

NAMED = 10


def create_secrets(caller: Caller, folder: Folder, new: Sequence[NewSecret]) -> list[SecretOut]:
    """Refused if one of them is there already."""
    _check_once([secret.secret_key for secret in new])
    values = {secret.secret_key: secret.secret_value for secret in new}
    with transaction.atomic():
        editing.set_secrets(
            folder,
            values,
            comments={secret.secret_key: secret.secret_comment for secret in new},
            literal={secret.secret_key: bool(secret.no_references) for secret in new},
            must_exist=False,
            by=actor_of(caller),
        )
        secrets = own_secrets(folder, list(values))
        _keep_labels(caller, folder, {secret.secret_key: secret for secret in new}, secrets)
        note_added(caller, *secrets)
    return answer_for(caller, secrets, values)


def update_secret(caller: Caller, folder: Folder, key: str, change: UpdateSecret) -> SecretOut:
    """All that can be is read before the project is locked."""
    edit, seen = _as_edit(_find(folder, [key])[key], change), SeenEdges.of(folder.environment.project)

    def keep_and_note(secrets: list[Secret]) -> None:
        _keep_labels(caller, folder, {secrets[0].key: change}, secrets)
        note_changed(caller, *secrets, detail=_told(_may_reveal(caller, secrets), "Changed", change))

    secrets = editing.update_secrets(folder, [edit], then=keep_and_note, seen=seen, by=actor_of(caller))
    return _answer(caller, secrets)[0]


def update_secrets(caller: Caller, folder: Folder, changes: Sequence[ChangedSecret], *, mode: str) -> list[SecretOut]:
    """`mode` tells what becomes of keys that are missing: an error, nothing, or a new secret."""
    keys = [change.secret_key for change in changes]
    _check_once(keys)
    with transaction.atomic():
        there = {secret.key: secret for secret in own_secrets(folder, keys)}
        missing = [change for change in changes if change.secret_key not in there]
        if missing and mode == "failOnNotFound":
            names = ", ".join(change.secret_key for change in missing[:NAMED])
            raise Missing(f"There is no secret {names} in {folder}. Create it first, or send mode upsert.")
        edits = [_as_edit(there[change.secret_key], change) for change in changes if change.secret_key in there]
        secrets = editing.update_secrets(folder, edits, by=actor_of(caller))
        changed = [change for change in changes if change.secret_key in there]
        _keep_labels(caller, folder, {one.key: change for one, change in zip(secrets, changed, strict=True)}, secrets)
        note_changed(caller, *secrets, detail=_told(_may_reveal(caller, secrets), "Changed", *changed))
        if mode == "upsert":
            secrets += _create_missing(caller, folder, missing)
    return _answer(caller, secrets)


def delete_secrets(caller: Caller, folder: Folder, keys: Sequence[str]) -> list[SecretOut]:
    """Refused if one of them is not there."""
    with transaction.atomic():
        secrets = list(_find(folder, keys).values())
        answer = _answer(caller, secrets)
        note_deleted(caller, *secrets, detail=_told(_may_reveal(caller, secrets), "Deleted"))
        editing.delete_secrets(secrets, by=actor_of(caller))
    return answer


def own_secrets(folder: Folder, keys: Sequence[str]) -> list[Secret]:
    """Those of a folder that have these keys."""
    rows = Secret.objects.select_related("folder__environment").filter(folder=folder)
    return [row for start in range(0, len(keys), FEW) for row in rows.filter(key__in=keys[start : start + FEW])]


def _find(folder: Folder, keys: Sequence[str]) -> dict[str, Secret]:
    """By key, or an error that names those which are not there."""
    there = {secret.key: secret for secret in own_secrets(folder, list(dict.fromkeys(keys)))}
    if missing := [key[:64] for key in keys if key not in there]:
        raise NotFoundError(f"There is no secret {', '.join(missing[:NAMED])} in {folder}.")
    return there


def _as_edit(secret: Secret, change: UpdateSecret | ChangedSecret) -> editing.Edit:
    return editing.Edit(
        secret,
        key=change.new_secret_name,
        value=change.secret_value,
        comment=change.secret_comment,
        is_literal=change.no_references,
    )


def _create_missing(caller: Caller, folder: Folder, missing: Sequence[ChangedSecret]) -> list[Secret]:
    new = {change.new_secret_name or change.secret_key: change for change in missing}
    if not new:
        return []
    editing.set_secrets(
        folder,
        {key: change.secret_value or "" for key, change in new.items()},
        comments={key: change.secret_comment or "" for key, change in new.items()},
        literal={key: bool(change.no_references) for key, change in new.items()},
        must_exist=False,
        by=actor_of(caller),
    )
    secrets = own_secrets(folder, list(new))
    _keep_labels(caller, folder, new, secrets)
    note_added(caller, *secrets)
    return secrets


def _keep_labels(caller: Caller, folder: Folder, sent: Mapping[str, Extras], secrets: Sequence[Secret]) -> None:
    labels = {secret: sent[secret.key].labels() for secret in secrets}
    editing.set_labels(folder.environment.project_id, labels, by=actor_of(caller))


def _answer(caller: Caller, secrets: Sequence[Secret]) -> list[SecretOut]:
    """What is written stays so where a value can't be opened: the mask stands in its place."""
    values = {}
    for secret in secrets if _may_reveal(caller, secrets) else ():
        with suppress(Unreadable):
            values[secret.key] = open_value(secret)
    return answer_for(caller, secrets, values)


def _told(may_reveal: bool, done: str, *changes: UpdateSecret | ChangedSecret) -> str:
    """As the log calls it: whoever is answered a value that they did not send has read it."""
    sent = changes and all(change.secret_value is not None for change in changes)
    return done if sent or not may_reveal else f"{done}, and read the value"


def _may_reveal(caller: Caller, secrets: Sequence[Secret]) -> bool:
    """All of them are in one folder."""
    return bool(secrets) and caller.may_at(REVEAL, place_of(secrets[0]))


def _check_once(keys: Sequence[str]) -> None:
    if len(set(keys)) != len(keys):
        raise BadRequest("A key stands more than once in this request. Send each key once.")
