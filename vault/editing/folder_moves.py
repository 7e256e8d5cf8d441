"""Moving a folder, with all that is in and below it, to another place: of any environment, of any project."""

from django.utils import timezone

from encryption import seal
from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.carried_labels import retag
from vault.editing.change import Change, changing_both
from vault.editing.folders import make_path
from vault.editing.rights import check_may_move
from vault.editing.ties import Ties
from vault.editing.transferred import Transferred
from vault.editing.trees import Tree, check_may_leave, check_place, is_within, load_tree
from vault.errors import Invalid
from vault.models import Environment, Folder, Secret, sealing_context
from vault.rules import clean_path
from vault.signals import folders_moved
from vault.values import open_stored

FEW = 500
LEAVES = ("vault.delete_folder", "vault.delete_secret")
ARRIVES = ("vault.change_folder", "vault.change_secret")


def move_folder(
    folder: Folder, environment: Environment, path: str, *, carries_references: bool, seen: str | None = None, by: Actor
) -> Transferred:
    """Puts it below the folder at a path, which is made where it is missing; versions and readers go with it.

    With `carries_references`, the references that this cuts name the new place, where they can. Raises Outdated if this
    is not what was `seen`, and InUse where it would leave a project whose folders or syncs need it.
    """
    path = clean_path(path)
    for permission in LEAVES:
        by.demand(permission, place_of(folder))
    for permission in ARRIVES:
        by.demand(permission, Place(environment.project_id, environment.slug, path))
    check_may_move(folder, environment, by)
    with changing_both(folder.environment.project_id, environment.project_id, by) as (here, there):
        tree = load_tree(folder, with_values=folder.environment_id != environment.id)
        _check_may_go(tree, environment, path, by)
        ties, state = Ties(here, there), tree.state
        parent = make_path(there, environment, path)
        new_path = check_place(tree, parent)
        here.remember([tree.top])
        _leave(here, tree)
        here.seals.hold(tree.folders)
        _put(tree, parent, new_path)
        _mark(there, tree)
        done = Transferred(parent, tree.paths_at(new_path), retold=ties.find_cut(), state=state)
        done.check_was_shown(seen)
        if carries_references:
            ties.carry(done.retold)
    return done


def _check_may_go(tree: Tree, environment: Environment, path: str, by: Actor) -> None:
    if is_within(tree, environment, path):
        raise Invalid(f"{tree.top} can't be put into itself. Choose another place.", field="path")
    if tree.top.environment.project_id != environment.project_id:
        check_may_leave(tree, by)


def _leave(change: Change, tree: Tree) -> None:
    """Told while it is at its old place, and to those who read all that is below the folder above."""
    _mark(change, tree)
    change.settle()
    if tree.top.parent_id is not None:
        change.leave(tree.top.parent_id)


def _mark(change: Change, tree: Tree) -> None:
    for id_ in tree.ids:
        change.mark(id_)


def _put(tree: Tree, parent: Folder, new_path: str) -> None:
    project_id = tree.top.environment.project_id
    if parent.environment_id != tree.top.environment_id:
        _reseal(tree, parent.environment)
    now = timezone.now()
    paths = tree.paths_at(new_path)
    for folder, path in zip(tree.folders, paths, strict=True):
        folder.environment, folder.path, folder.updated_at = parent.environment, path, now
    tree.top.parent, tree.top.version = parent, tree.top.version + 1
    columns = ["environment", "parent", "path", "version", "updated_at"]
    Folder.objects.bulk_update(tree.folders, columns, batch_size=FEW)
    if parent.environment.project_id != project_id:
        retag(tree.secrets, parent.environment.project_id)
    folders_moved.send(sender=Folder, folder_ids=tree.ids)


def _reseal(tree: Tree, environment: Environment) -> None:
    """A value opens in its environment alone."""
    old = {folder.id: folder.place_of_secrets for folder in tree.folders}
    for secret in tree.secrets:
        value = open_stored(secret, place=old[secret.folder_id])
        new = f"{environment.project_id}:{environment.id}:{secret.folder_id}"
        secret.sealed_value = seal(value, context=sealing_context(secret, new))
    Secret.objects.bulk_update(tree.secrets, ["sealed_value"], batch_size=FEW)
