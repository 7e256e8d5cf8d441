"""Creating, renaming and deleting folders; paths of all folders below follow."""

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from common.prefixes import starts_with
from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.change import Change, changing
from vault.editing.imports import check_not_imported
from vault.editing.seals import make_folder
from vault.editing.trash import delete_tree
from vault.errors import Invalid, Taken
from vault.limits import LONGEST_PATH
from vault.models import ROOT, Environment, Folder
from vault.rules import clean_description, clean_folder_name, clean_path


def create_folder(environment: Environment, path: str, *, description: str = "", by: Actor) -> Folder:
    """Makes the folder at a path, and the folders above it that are missing."""
    path = clean_path(path)
    description = clean_description(description)
    by.demand("vault.add_folder", Place(environment.project_id, environment.slug, path))
    with changing(environment.project_id, by) as change:
        # A folder is sealed to the slug, which somebody may have changed since the row was loaded.
        environment.refresh_from_db(fields=["slug"])
        if environment.folders.filter(path=path).exists():
            raise Taken(f"There is a folder {path} in {environment.slug} already.", field="path")
        folder = make_path(change, environment, path)
        folder.description = description
        folder.save(update_fields=["description"])
    return folder


def make_path(change: Change, environment: Environment, path: str) -> Folder:
    """The folder at a cleaned path, made with those above it where they are missing."""
    folder = environment.folders.select_related("environment").get(path=ROOT)
    for name in filter(None, path.split("/")):
        parent, below = folder, folder.prefix + name
        there = environment.folders.select_related("environment").filter(path=below).first()
        if there is None:
            change.by.demand("vault.add_folder", Place(environment.project_id, environment.slug, below))
        folder = there or make_folder(environment, path=below, parent=parent, name=name)
        if there is None:
            change.mark(folder.id)
    return folder


def rename_folder(folder: Folder, name: str, *, by: Actor) -> Folder:
    return update_folder(folder, name=name, by=by)


def update_folder(folder: Folder, *, name: str | None = None, description: str | None = None, by: Actor) -> Folder:
    """Changes what is given. A new name moves the paths below, cuts references by the old ones, and tells readers."""
    if description is not None:
        folder.description = clean_description(description)
    by.demand("vault.change_folder", place_of(folder))
    with changing(folder.environment.project_id, by) as change:
        if name is not None and clean_folder_name(name) != folder.name:
            for folder_id in with_subfolders(folder).values_list("id", flat=True):
                change.mark(folder_id)
            change.settle()
            change.seals.hold(with_subfolders(folder).select_related("environment"))
            _move(folder, clean_folder_name(name))
        folder.version += 1
        folder.save(update_fields=["name", "path", "description", "version", "updated_at"])
    return folder


def delete_folder(folder: Folder, *, by: Actor) -> None:
    """Moves it to the trash with what is in and below it; refused while a folder elsewhere imports one of these."""
    if folder.is_root:
        raise Invalid("The root folder goes only with its environment. Delete its contents, or the environment.")
    by.demand("vault.delete_folder", place_of(folder))
    with changing(folder.environment.project_id, by) as change:
        change.remember([folder])
        doomed = with_subfolders(folder)
        check_not_imported(doomed, name=f"The folder {folder}", by=by)
        for folder_id in doomed.values_list("id", flat=True):
            change.mark(folder_id)
        change.announce()
        delete_tree(change, folder, doomed)


def with_subfolders(folder: Folder) -> QuerySet[Folder]:
    """A folder and all below it."""
    rows = Folder.objects.filter(environment_id=folder.environment_id)
    return rows.filter(Q(id=folder.id) | Q(starts_with("path", folder.prefix)))


def _move(folder: Folder, name: str) -> None:
    if folder.is_root or folder.parent is None:
        raise Invalid("The root folder has no name to change.", field="name")
    old_prefix, path = folder.prefix, folder.parent.prefix + name
    if Folder.objects.filter(environment_id=folder.environment_id, path=path).exists():
        raise Taken(f"There is a folder {path} here already. Choose another name.", field="name")
    below = Folder.objects.filter(starts_with("path", folder.prefix), environment_id=folder.environment_id)
    longest = max(map(len, below.values_list("path", flat=True)), default=len(old_prefix) - 1)
    if longest - len(folder.path) + len(path) > LONGEST_PATH:
        raise Invalid(f"With this name, a path would be longer than {LONGEST_PATH:,} characters.", field="name")
    below.update(path=Concat(Value(path + "/"), Substr("path", len(old_prefix) + 1)), updated_at=timezone.now())
    folder.name, folder.path = name, path
