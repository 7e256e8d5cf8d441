"""Keys that a read with the folders below would refuse: the same key, as different secrets, in two of them."""

from collections.abc import Mapping
from uuid import UUID

from sources.protocol import Found
from sources.vault.source import VaultSource, translated
from vault.loading import load_resolver
from vault.models import Project


def find_clashes(project: Project, found: Found) -> Mapping[str, list[str]]:
    """Each such key with the paths of its folders. Opens no value. Raises SourceError."""
    with translated():
        folder = VaultSource(project.pk, project.slug).folder_at(found.place)
        resolver, folder_ids = load_resolver(folder, recursive=True, follow_references=False)
    secrets: dict[str, set[UUID]] = {}
    paths: dict[str, list[str]] = {}
    for folder_id in folder_ids:
        for key, secret in resolver.visible(folder_id).items():
            secrets.setdefault(key, set()).add(secret.id)
            paths.setdefault(key, []).append(resolver.place(folder_id).path)
    return {key: paths[key] for key, ids in secrets.items() if len(ids) > 1}
