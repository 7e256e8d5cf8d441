"""The only writer of the vault.

Each function is one transaction, refuses with an `EditingError`, and sends `contents_changed` once if what a folder
shows may have changed. Whether somebody may do such a thing at all is the caller's question; whether it would move
values that they may not read is answered here, by the `Actor` without whom no writer is called.
"""

from vault.editing.actor import Actor
from vault.editing.contents import FolderContents, write_contents
from vault.editing.environments import create_environment, delete_environment, update_environment
from vault.editing.folder_copies import copy_folder
from vault.editing.folder_moves import move_folder
from vault.editing.folders import create_folder, delete_folder, rename_folder, update_folder
from vault.editing.history import restore_folder
from vault.editing.imports import add_import, delete_import, move_import, point_import
from vault.editing.labels import Labels, Metadatum, change_tags, create_tag, delete_tag, set_labels, update_tag
from vault.editing.projects import create_project, delete_project, update_project
from vault.editing.secrets import (
    Edit,
    Written,
    delete_secret,
    delete_secrets,
    preview_secrets,
    rename_secret,
    restore_version,
    set_secret,
    set_secrets,
    update_secret,
    update_secrets,
)
from vault.editing.ticked import copy_secrets, move_secrets
from vault.editing.transferred import Retold, Transferred
from vault.editing.trash import delete_for_good, restore, restore_all
from vault.editing.upkeep import Upkeep, set_upkeep

__all__ = [
    "Actor",
    "Edit",
    "FolderContents",
    "Labels",
    "Metadatum",
    "Retold",
    "Transferred",
    "Upkeep",
    "Written",
    "add_import",
    "change_tags",
    "copy_folder",
    "copy_secrets",
    "create_environment",
    "create_folder",
    "create_project",
    "create_tag",
    "delete_environment",
    "delete_folder",
    "delete_for_good",
    "delete_import",
    "delete_project",
    "delete_secret",
    "delete_secrets",
    "delete_tag",
    "move_folder",
    "move_import",
    "move_secrets",
    "point_import",
    "preview_secrets",
    "rename_folder",
    "rename_secret",
    "restore",
    "restore_all",
    "restore_folder",
    "restore_version",
    "set_labels",
    "set_secret",
    "set_secrets",
    "set_upkeep",
    "update_environment",
    "update_folder",
    "update_project",
    "update_secret",
    "update_secrets",
    "update_tag",
    "write_contents",
]
