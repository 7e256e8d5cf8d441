"""A sync set over organizations that Devin is said to have listed; nothing is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from connections.devin.types import RemoteOrganization
from connections.models import Connection
from connections.organizations import take_over
from fleets.editing import create_set
from fleets.generating import generate
from fleets.models import Member, SyncSet
from syncs.editing import Actor
from tests.actors import ANYBODY
from tests.syncs.conftest import rung  # noqa: F401
from vault.editing import create_environment, create_folder, create_project
from vault.models import Environment, Folder

CONSOLE = Actor.on_command_line()
List = Callable[..., None]
MakeSet = Callable[..., SyncSet]


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="enterprise", base_url="http://127.0.0.1:9")
    connection.set_api_key("cog_enterprise")
    connection.save()
    return connection


@pytest.fixture
def environment(db: None) -> Environment:
    project = create_project(name="Acme shop", slug="acme-shop", environments=(), by=ANYBODY)
    return create_environment(project, name="Development", slug="dev", by=ANYBODY)


@pytest.fixture
def folder(environment: Environment) -> Folder:
    return create_folder(environment, "/orgs", by=ANYBODY)


@pytest.fixture
def devin_lists(connection: Connection) -> List:
    """Takes over a list of organizations, by name, as if Devin had answered it."""

    def take(*names: str) -> None:
        take_over(connection, [RemoteOrganization(f"org-{name.lower().replace(' ', '')}", name) for name in names])

    return take


@pytest.fixture
def make_set(connection: Connection, folder: Folder, rung: list[str]) -> MakeSet:  # noqa: F811
    """Makes a set of all organizations with these fields given otherwise, and its syncs."""

    def make(**fields: Any) -> SyncSet:
        given: dict[str, Any] = {"name": "core", "connection": connection, "folder": folder} | fields
        each = create_set(SyncSet(project=folder.environment.project, **given), by=CONSOLE)
        generate(each.pk)
        each.refresh_from_db()
        return each

    return make


def standing(each: SyncSet) -> dict[str, str]:
    """How the organizations stand, by their slugs."""
    return dict(each.members.values_list("slug", "state"))


def member_of(each: SyncSet, slug: str) -> Member:
    return Member.objects.select_related("sync", "set").get(set=each, slug=slug)
