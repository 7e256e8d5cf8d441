"""What every edit of a sync has to keep to. The forms ask beforehand, to say it at the field; the writers always."""

from syncs.errors import EditRefused
from syncs.models import DevinSync
from vault.errors import SourceError
from vault.models import Folder, Project
from vault.reading import list_keys


def check_name_is_free(name: str, project: Project, *, but: DevinSync | None = None) -> None:
    """Raises EditRefused if another sync of the project has the name."""
    taken = DevinSync.objects.filter(project=project, name=name)
    if but is not None:
        taken = taken.exclude(pk=but.pk)
    if taken.exists():
        raise name_taken(name, project)


def name_taken(name: str, project: Project) -> EditRefused:
    return EditRefused(
        f"The project {project.name} already has a sync named “{name}”. Choose another name.", field="name"
    )


def check_folders_can_be_joined(folder: Folder | None, *, recursive: bool) -> None:
    """With subfolders, a key may stand in one folder only: better said at once than by the first run."""
    if folder is None or not recursive:
        return
    try:
        list_keys(folder, recursive=True)
    except SourceError as error:
        raise EditRefused(str(error), field="recursive") from error
