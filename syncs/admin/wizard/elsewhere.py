"""What the wizard lacks and another page makes: the way there, and what comes back of it, as an entry of the step."""

from collections.abc import Callable

from django.urls import reverse

from common.returning import with_way_back
from connections.models import Connection
from sources.protocol import Found
from sources.registry import remote_kinds
from vault.models import Project


def connection_to_devin(back: str) -> str:
    return with_way_back(reverse("admin:connections_connection_add"), back, app=Connection.App.DEVIN)


def linked_project(back: str) -> str:
    return with_way_back(reverse("admin:sources_link"), back)


def connection_to_a_source(back: str) -> str:
    """The connection first, then a project of it."""
    return with_way_back(reverse("admin:connections_connection_add"), linked_project(back), app=remote_kinds()[0].app)


def sync_set(back: str, *, project: Project, source: Found, connection: str) -> str:
    """The form of a sync set, with what is known so far: for many organizations instead of one."""
    known = {"project": str(project.pk), "folder": source.place.folder_id or str(source)}
    return with_way_back(reverse("admin:fleets_syncset_add"), back, **known, connection=connection)


# The value of the button that leads there.
MANY = "many"
# By the value of the button that leads there; each is given the address of the step to come back to.
WAYS: dict[str, Callable[[str], str]] = {
    "new-connection": connection_to_devin,
    "link-project": linked_project,
    "new-source": connection_to_a_source,
}
# What each step takes from an address that leads back to it.
BRINGS = {"source": "project", "destination": "connection"}
