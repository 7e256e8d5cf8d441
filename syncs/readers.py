"""The syncs as readers of a project, for the pages of where it is kept."""

from collections.abc import Iterator

from sources.readers import Reader
from syncs.models import DevinSync
from vault.models import Project


def readers_of(project: Project) -> Iterator[Reader]:
    for sync in DevinSync.objects.filter(project=project).with_source().order_by("name"):
        yield Reader(sync.name, sync.get_absolute_url(), sync.place, sync.recursive)
