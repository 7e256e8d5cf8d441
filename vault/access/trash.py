"""What it takes to bring back what was deleted, and to delete it for good; and where that is."""

from collections.abc import Mapping

from vault.access.grants import Place
from vault.access.visible import place_of
from vault.models import Folder, TrashEntry

IN_A_FOLDER = ("vault.add_folder", "vault.add_secret", "vault.add_secretimport")
# By the kind of an entry: what it takes to bring it back is what it takes to make all that it holds.
TO_RESTORE: Mapping[str, tuple[str, ...]] = {
    TrashEntry.Kind.SECRET: ("vault.add_secret",),
    TrashEntry.Kind.FOLDER: IN_A_FOLDER,
    TrashEntry.Kind.ENVIRONMENT: ("vault.add_environment", *IN_A_FOLDER),
}
TO_DELETE: Mapping[str, tuple[str, ...]] = {
    TrashEntry.Kind.SECRET: ("vault.delete_secret",),
    TrashEntry.Kind.FOLDER: ("vault.delete_folder", "vault.delete_secret"),
    TrashEntry.Kind.ENVIRONMENT: ("vault.delete_environment", "vault.delete_folder", "vault.delete_secret"),
}


def place_of_entry(entry: TrashEntry) -> Place:
    """Where it would come back: in what held it, as that is called today. Where that is gone, its project."""
    if entry.kind == TrashEntry.Kind.ENVIRONMENT or entry.folder is None:
        return Place(entry.project_id)
    holder = Folder.objects.select_related("environment").filter(pk=entry.folder).first()
    if holder is None or holder.environment.project_id != entry.project_id:
        return Place(entry.project_id)
    if entry.kind == TrashEntry.Kind.SECRET:
        return place_of(holder)
    return Place(entry.project_id, holder.environment.slug, holder.prefix + entry.name.rpartition("/")[2])
