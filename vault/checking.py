"""Refuses a folder that is not as a writer of ours left it, and says which secrets were touched; never a value."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from django.db.models import Max

from vault.errors import Unreadable
from vault.models import Folder, SecretVersion, Stored
from vault.values import open_stored
from vault.wholeness import Import, holds, sealed_sum

NAMED = 10


class StoredNow(Stored, Protocol):
    @property
    def has_newest(self) -> bool:
        """Whether there is a row of its version."""


def check_whole(folder: Folder, secrets: Sequence[StoredNow], imports: Iterable[Import]) -> None:
    if not all(secret.has_newest for secret in secrets) or not holds(folder, secrets, imports):
        place = (folder.environment.slug, folder.path)
        raise Unreadable(describe(folder, secrets), places=[place])


def describe(folder: Folder, secrets: Sequence[Stored]) -> str:
    if not folder.seal:
        return f"{folder} is as an earlier release left it. Run `manage.py prepare`, which binds its values to it."
    return (
        f"{folder} is not as DevinSync left it: {'; '.join(_causes(folder, secrets))}. Somebody wrote to the database "
        "behind it, so nothing of this folder is read. Restore it from a backup; or look at what it holds, enter again "
        "what can't be read, and run `manage.py verify_vault --accept` with its name."
    )


def _causes(folder: Folder, secrets: Sequence[Stored]) -> Iterator[str]:
    if sealed_sum(folder) is None:
        yield "it has another name, or stands in another place"
    versions = SecretVersion.objects.filter(secret__folder_id=folder.id).values("secret_id").order_by()
    newest = {row["secret_id"]: row["newest"] for row in versions.annotate(newest=Max("version"))}
    touched = [secret for secret in secrets if newest.get(secret.id) != secret.version or not _opens(secret, folder)]
    for secret in touched[:NAMED]:
        known = newest.get(secret.id) or "none"
        at = f"is at version {secret.version}, of which the newest is {known}"
        yield f"{secret.key} {at if known != secret.version else 'belongs elsewhere, or was altered'}"
    if len(touched) > NAMED:
        yield f"so were {len(touched) - NAMED} more"
    if not touched and sealed_sum(folder) is not None:
        yield "a secret or an import was taken out, put in or set back"


def _opens(secret: Stored, folder: Folder) -> bool:
    try:
        open_stored(secret, place=folder.place_of_secrets)
    except Unreadable:
        return False
    return True
