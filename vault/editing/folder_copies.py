"""Copying a folder, with all that is in and below it, to another place: of any environment, of any project."""

from uuid import UUID

from vault.access import Place
from vault.editing.actor import Actor
from vault.editing.carried_labels import copy_labels
from vault.editing.change import Change, changing_both
from vault.editing.folders import make_path
from vault.editing.rights import check_may_copy
from vault.editing.seals import make_folder
from vault.editing.secrets import put_secrets
from vault.editing.transferred import Transferred
from vault.editing.trees import Tree, check_imports_may_leave, check_place, load_tree
from vault.models import Environment, Folder, Secret, SecretImport
from vault.rules import clean_path
from vault.values import open_stored


def copy_folder(
    folder: Folder, environment: Environment, path: str, *, seen: str | None = None, by: Actor
) -> Transferred:
    """Puts a copy below the folder at a path, which is made where it is missing.

    Values are copied as they are stored, and begin at version 1. Imports within it lead to the copies, others to what
    they led to before. Raises Outdated if this is not what was `seen`, and InUse where an import would leave its
    project.
    """
    check_may_copy(folder, by)
    path = clean_path(path)
    by.demand("vault.add_folder", Place(environment.project_id, environment.slug, path))
    with changing_both(folder.environment.project_id, environment.project_id, by) as (here, there):
        tree = load_tree(folder, with_values=True)
        if here is not there:
            check_imports_may_leave(tree, by)
        parent = make_path(there, environment, path)
        new_path = check_place(tree, parent)
        copies = _make_folders(there, tree, parent, new_path)
        _copy_secrets(there, tree, copies)
        _copy_imports(there, copies)
        done = Transferred(parent, tree.paths_at(new_path), state=tree.state)
        done.check_was_shown(seen)
    return done


def _make_folders(change: Change, tree: Tree, parent: Folder, new_path: str) -> dict[UUID, Folder]:
    """By the ids of those that they are copies of."""
    copies: dict[UUID, Folder] = {}
    for folder, path in zip(tree.folders, tree.paths_at(new_path), strict=True):
        above = parent if folder.id == tree.top.id or folder.parent_id is None else copies[folder.parent_id]
        made = make_folder(parent.environment, path=path, parent=above, name=folder.name)
        if folder.description:
            made.description = folder.description
            made.save(update_fields=["description"])
        change.mark(made.id)
        copies[folder.id] = made
    return copies


def _copy_secrets(change: Change, tree: Tree, copies: dict[UUID, Folder]) -> None:
    by_folder: dict[UUID, list[Secret]] = {}
    for secret in tree.secrets:
        by_folder.setdefault(secret.folder_id, []).append(secret)
    places = {folder.id: folder.place_of_secrets for folder in tree.folders}
    pairs: list[tuple[Secret, Secret]] = []
    for folder_id, secrets in by_folder.items():
        _, rows = put_secrets(
            change,
            copies[folder_id],
            {secret.key: open_stored(secret, place=places[folder_id]) for secret in secrets},
            comments={secret.key: secret.comment for secret in secrets},
            literal={secret.key: secret.is_literal for secret in secrets},
        )
        pairs += [(secret, rows[secret.key]) for secret in secrets]
    copy_labels(pairs, change.project_id)


def _copy_imports(change: Change, copies: dict[UUID, Folder]) -> None:
    found = SecretImport.objects.filter(folder__in=copies).select_related("source").order_by("position", "created_at")
    rows = [
        SecretImport(folder=copies[row.folder_id], source=copies.get(row.source_id, row.source), position=row.position)
        for row in found
    ]
    SecretImport.objects.bulk_create(rows)
    for folder_id in {row.folder_id for row in rows}:
        change.seals.put_imports(folder_id)
