"""What every edit of a sync has to keep to. The forms ask beforehand, to say it at the field; the writers always."""

from sources.errors import SourceError, Unavailable
from sources.finding import PATIENCE
from sources.kinds import Kind
from sources.registry import kind_of
from syncs.errors import EditRefused
from syncs.models import DevinSync
from syncs.options import SyncOptions
from vault.models import Project


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


def check_folders_can_be_joined(sync: DevinSync) -> None:
    """With subfolders, a key may stand in one folder only: better said at once than by the first run.

    `sync` need not be saved. A source elsewhere is asked with little patience, and not inside a transaction; what it
    does not tell now, the first run will say. Raises EditRefused.
    """
    if not sync.recursive or not sync.has_source:
        return
    try:
        with sync.open_source(patience=PATIENCE) as source:
            source.list_keys(sync.place, recursive=True)
    except SourceError as error:
        if not (isinstance(error, Unavailable) and kind_of(sync.project).is_remote):
            raise EditRefused(str(error), field="recursive") from error


def check_has_tags(options: SyncOptions, project: Project) -> None:
    """Raises EditRefused if they choose by tags, and the project's source has none. Asks nobody."""
    if options.chooses_by_tags and not (kind := kind_of(project)).has_tags:
        field = "only_tags" if options.only_tags else "except_tags"
        raise EditRefused(f"{no_tags_in(kind)} Leave this empty, and choose by keys.", field=field)


def no_tags_in(kind: Kind) -> str:
    return f"The secrets of {kind.label} carry no tags to choose by."


def check_stored_folders(sync: DevinSync) -> None:
    """The same inside a transaction: of a source elsewhere nothing is asked."""
    if not kind_of(sync.project).is_remote:
        check_folders_can_be_joined(sync)
