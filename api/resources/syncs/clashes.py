"""Keys that a sync with subfolders would refuse: the same key, as different secrets, in folders read together."""

from uuid import UUID

from vault.loading import load_resolver
from vault.models import Folder


def find_clashes(folder: Folder) -> dict[str, list[str]]:
    """Each such key with the paths of its folders. Opens no value."""
    resolver, folder_ids = load_resolver(folder, recursive=True, follow_references=False)
    secrets: dict[str, set[UUID]] = {}
    paths: dict[str, list[str]] = {}
    for folder_id in folder_ids:
        for key, secret in resolver.visible(folder_id).items():
            secrets.setdefault(key, set()).add(secret.id)
            paths.setdefault(key, []).append(resolver.place(folder_id).path)
    return {key: paths[key] for key, ids in secrets.items() if len(ids) > 1}
