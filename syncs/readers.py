"""The syncs as readers of a project, for the pages of where it is kept."""

from collections.abc import Iterator
from typing import Any

from sources.readers import Reader
from syncs.models import DevinSync
from vault.access import visible
from vault.models import Project


def readers_of(project: Project, user: Any) -> Iterator[Reader]:
    rows = DevinSync.objects.filter(project=project)
    seen = set(visible(user, rows).values_list("pk", flat=True))
    for sync in rows.with_source().order_by("name"):
        yield Reader(sync.name, sync.get_absolute_url(), sync.place, sync.recursive, is_seen=sync.pk in seen)
