"""Secrets as the server answers them: references expanded where they lead somewhere, hidden values masked."""

import re
from typing import Any

from sandbox.infisical.world import Edition, Folder, Project, Secret, World

MASK = "<hidden-by-infisical>"
REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.@/-]+)\}")
DEEPEST = 10


def row(
    world: World, project: Project, environment: str, folder: Folder, secret: Secret, *, expands: bool
) -> dict[str, Any]:
    """An own secret."""
    value = expand(project, environment, folder.path, secret) if expands else secret.value
    answer = {
        "id": secret.id,
        "_id": secret.id,
        "workspace": project.id,
        "environment": environment,
        "version": secret.version,
        "type": secret.kind,
        "secretKey": secret.key,
        "secretValue": value,
        "secretComment": secret.comment,
        "secretReminderNote": None,
        "secretReminderRepeatDays": None,
        "skipMultilineEncoding": False,
        "createdAt": "2026-01-02T03:04:05.678Z",
        "updatedAt": "2026-01-02T03:04:05.678Z",
        "secretPath": folder.path,
        "tags": [{"id": tag, "slug": tag, "name": tag, "color": ""} for tag in secret.tags],
    }
    if world.edition is Edition.OLD:
        return answer | {"metadata": None}
    hidden = {"secretValueHidden": secret.is_hidden, "secretMetadata": [], "isRotatedSecret": False, "actor": None}
    return answer | hidden | ({"secretValue": MASK} if secret.is_hidden else {})


def imported_row(world: World, project: Project, environment: str, folder: Folder, secret: Secret) -> dict[str, Any]:
    """An old server leaves the project out, and what it does not find as it stands; a newer one puts nothing there."""
    whole = row(world, project, environment, folder, secret, expands=True)
    for name in ("createdAt", "updatedAt"):
        del whole[name]
    if world.edition is Edition.OLD:
        for name in ("secretPath", "tags", "secretReminderNote", "secretReminderRepeatDays"):
            del whole[name]
        return whole | {"workspace": ""}
    return whole | {"secretValue": REFERENCE.sub("", whole["secretValue"])}


def expand(project: Project, environment: str, path: str, secret: Secret) -> str:
    return _expanded(project, environment, path, secret.value, {(environment, path, secret.key)})


def _expanded(project: Project, environment: str, path: str, text: str, seen: set[tuple[str, str, str]]) -> str:
    def put(found: re.Match[str]) -> str:
        *place, key = found[1].split(".")
        at = (place[0], "/" + "/".join(place[1:])) if place else (environment, path)
        folder = project.folder(*at)
        target = next((each for each in folder.secrets if each.key == key), None) if folder else None
        if target is None or (*at, key) in seen or len(seen) > DEEPEST:
            return found[0]
        return _expanded(project, *at, target.value, seen | {(*at, key)})

    return REFERENCE.sub(put, text)
