"""A folder with all that is in and below it, as it is copied or moved to another place."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from vault.editing.actor import Actor
from vault.editing.folders import with_subfolders
from vault.editing.telling import tell_folders, tell_readers
from vault.editing.transferred import state_of
from vault.errors import InUse, Invalid, Missing, Taken
from vault.limits import LONGEST_PATH
from vault.loading import load_resolver
from vault.models import Environment, Folder, Secret, SecretImport

# What is sealed anew in one transaction.
MOST_SECRETS, MOST_FOLDERS = 5_000, 500


@dataclass(frozen=True)
class Tree:
    """From the top down; without the values of its secrets where these stay as they are sealed."""

    top: Folder
    folders: list[Folder]
    secrets: list[Secret]

    @property
    def ids(self) -> set[UUID]:
        return {folder.id for folder in self.folders}

    @property
    def state(self) -> str:
        places = ",".join(f"{folder.id.hex}:{folder.path}" for folder in self.folders)
        return f"{places};{state_of(self.secrets)}"

    def paths_at(self, path: str) -> list[str]:
        """Where each of the folders would be, if the top were at this path."""
        return [path + folder.path[len(self.top.path) :] for folder in self.folders]


def load_tree(folder: Folder, *, with_values: bool) -> Tree:
    """As it is now that nobody else can change it. With values, it must be whole, and no more than can be sealed."""
    if folder.is_root:
        raise Invalid("The root folder stays with its environment. Choose folders in it, or tick secrets.")
    rows = with_subfolders(folder)
    folders = list(rows.select_related("environment").order_by("path"))
    if not folders or folders[0].id != folder.id:
        raise Missing(f"The folder {folder} is gone, or has another place. Go back to its project.")
    secrets = Secret.objects.filter(folder__in=rows).order_by("folder_id", "key")
    if not with_values:
        return Tree(folders[0], folders, list(secrets.defer("sealed_value")))
    if len(folders) > MOST_FOLDERS or secrets.count() > MOST_SECRETS:
        raise Invalid(
            f"At most {MOST_FOLDERS:,} folders with {MOST_SECRETS:,} secrets go at once, and {folder} has more. "
            "Choose the folders below it one by one."
        )
    load_resolver(folders[0], recursive=True, follow_references=False)
    return Tree(folders[0], folders, list(secrets))


def check_place(tree: Tree, parent: Folder) -> str:
    """The path that the top gets below this folder."""
    top, path = tree.top, parent.prefix + tree.top.name
    is_here = parent.environment_id == top.environment_id
    if is_here and path == top.path:
        raise Invalid(f"{top} is there already. Choose another place.", field="path")
    if Folder.objects.filter(environment_id=parent.environment_id, path=path).exists():
        slug = parent.environment.slug
        raise Taken(f"There is a folder {slug}:{path} already. Choose another place, or rename one.", field="path")
    if max(map(len, tree.paths_at(path))) > LONGEST_PATH:
        raise Invalid(f"There, a path would be longer than {LONGEST_PATH:,} characters.", field="path")
    return path


def is_within(tree: Tree, environment: Environment, path: str) -> bool:
    return environment.id == tree.top.environment_id and f"{path}/".startswith(tree.top.prefix)


def imports_from_outside(tree: Tree) -> QuerySet[SecretImport]:
    rows = with_subfolders(tree.top)
    found = SecretImport.objects.filter(folder__in=rows).exclude(source__in=rows)
    return found.select_related("folder__environment", "source__environment")


def check_may_leave(tree: Tree, by: Actor) -> None:
    """Its project: no import leads out of one, and a sync stays in its own."""
    check_imports_may_leave(tree, by)
    rows = with_subfolders(tree.top)
    importing = SecretImport.objects.filter(source__in=rows).exclude(folder__in=rows)
    if names := tell_folders((row.folder for row in importing.select_related("folder__environment")), by):
        raise InUse(f"{tree.top} is imported by {names}. Remove that first: no import leads out of a project.")
    if readers := tell_readers(rows, by):
        raise InUse(
            f"{tree.top} is read by {readers}. A sync stays in its project: copy the folder instead, or let the sync "
            "read another one first."
        )


def check_imports_may_leave(tree: Tree, by: Actor) -> None:
    if names := tell_folders((row.source for row in imports_from_outside(tree)), by):
        raise InUse(f"{tree.top} imports {names}. Remove that first: no import leads out of a project.")
