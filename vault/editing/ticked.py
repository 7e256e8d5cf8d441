"""Copying and moving some secrets of a folder into another one: of any environment, of any project."""

from collections.abc import Mapping, Sequence
from copy import copy

from django.utils import timezone

from encryption import seal
from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.carried_labels import copy_labels, retag
from vault.editing.change import Change, changing_both
from vault.editing.folders import make_path
from vault.editing.rights import check_may_copy, check_may_move
from vault.editing.secrets import put_secrets
from vault.editing.ties import Ties
from vault.editing.transferred import Transferred, state_of
from vault.errors import Invalid, Missing, Taken
from vault.loading import check_folder
from vault.models import Environment, Folder, Secret
from vault.rules import clean_path
from vault.values import open_value

FEW = 500
NAMED = 10


def copy_secrets(
    folder: Folder,
    keys: Sequence[str],
    environment: Environment,
    path: str,
    *,
    replaces: bool,
    seen: str | None = None,
    by: Actor,
) -> Transferred:
    """Puts them, as they are stored, into the folder at a path, which is made where it is missing.

    With `replaces`, a secret of that key gets one more version; without, it stays. A copy has what is kept with the
    secret, and begins at version 1. Raises Outdated if this is not what was `seen`.
    """
    check_may_copy(folder, by)
    by.demand("vault.add_secret", Place(environment.project_id, environment.slug, clean_path(path)))
    with changing_both(folder.environment.project_id, environment.project_id, by) as (_, there):
        secrets = _current(folder, keys)
        target = make_path(there, environment, clean_path(path))
        _check_is_elsewhere(folder, target)
        done = _copy(there, secrets, target, replaces=replaces)
        done.check_was_shown(seen)
    return done


def move_secrets(
    folder: Folder,
    keys: Sequence[str],
    environment: Environment,
    path: str,
    *,
    carries_references: bool,
    seen: str | None = None,
    by: Actor,
) -> Transferred:
    """Puts them into the folder at a path, with their versions and all that is kept with them.

    With `carries_references`, the references that this cuts name the new place, where they can. Refused where there is
    a secret of that key already. Raises Outdated if this is not what was `seen`.
    """
    by.demand("vault.delete_secret", place_of(folder))
    by.demand("vault.change_secret", Place(environment.project_id, environment.slug, clean_path(path)))
    check_may_move(folder, environment, by)
    with changing_both(folder.environment.project_id, environment.project_id, by) as (here, there):
        ties, secrets = Ties(here, there), _current(folder, keys)
        state = state_of(secrets.values())
        target = make_path(there, environment, clean_path(path))
        _check_is_elsewhere(folder, target)
        _check_is_free(target, keys)
        _move(here, there, list(secrets.values()), target)
        done = Transferred(target, created=sorted(secrets), retold=ties.find_cut(), state=state)
        done.check_was_shown(seen)
        if carries_references:
            ties.carry(done.retold)
    return done


def _copy(change: Change, secrets: Mapping[str, Secret], target: Folder, *, replaces: bool) -> Transferred:
    before = {row.key: row for row in _rows(target, list(secrets))}
    taken = {key: secret for key, secret in secrets.items() if replaces or key not in before}
    written, rows = put_secrets(
        change,
        target,
        {key: open_value(secret) for key, secret in taken.items()},
        comments={key: secret.comment for key, secret in taken.items()},
        literal={key: secret.is_literal for key, secret in taken.items()},
    )
    copy_labels([(secrets[key], rows[key]) for key in written.created], change.project_id)
    return Transferred(
        target,
        created=written.created,
        replaced=[*written.changed, *written.commented],
        unchanged=[key for key in written.unchanged if key not in written.commented],
        kept=sorted(secrets.keys() - taken.keys()),
        state=f"{state_of(secrets.values())};{state_of(before.values())}",
    )


def _move(here: Change, there: Change, secrets: Sequence[Secret], target: Folder) -> None:
    keys = [secret.key for secret in secrets]
    here.mark(secrets[0].folder_id, keys)
    here.seals.take(map(copy, secrets))
    now = timezone.now()
    for secret in secrets:
        value = open_value(secret)
        secret.folder = target
        secret.sealed_value = seal(value, context=secret.sealing_context())
        secret.updated_by, secret.updated_at = here.by.user, now
    Secret.objects.bulk_update(secrets, ["folder", "sealed_value", "updated_by", "updated_at"], batch_size=FEW)
    there.seals.put(secrets)
    there.mark(target.id, keys)
    if here is not there:
        retag(secrets, there.project_id)


def _current(folder: Folder, keys: Sequence[str]) -> dict[str, Secret]:
    """By key, as they are now that nobody else can change them, of a folder that is whole."""
    check_folder(folder)
    found = {row.key: row for row in _rows(folder, keys)}
    if missing := sorted(set(keys) - found.keys()):
        raise Missing(f"There is no secret {_names(missing)} in {folder} any more. Choose among those that are there.")
    if not found:
        raise Invalid("No secret was chosen. Choose some of the folder.")
    return found


def _rows(folder: Folder, keys: Sequence[str]) -> list[Secret]:
    rows = Secret.objects.select_related("folder__environment").filter(folder=folder)
    chunks = (keys[start : start + FEW] for start in range(0, len(keys), FEW))
    return [row for some in chunks for row in rows.filter(key__in=some)]


def _check_is_elsewhere(folder: Folder, target: Folder) -> None:
    if folder.id == target.id:
        raise Invalid(f"They are in {folder} already. Choose another folder.", field="path")


def _check_is_free(target: Folder, keys: Sequence[str]) -> None:
    if taken := sorted(row.key for row in _rows(target, keys)):
        raise Taken(f"There is a secret {_names(taken)} in {target} already. Leave it out, or delete it there first.")


def _names(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
    return ", ".join(keys[:NAMED]) + more
