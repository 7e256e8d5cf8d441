"""The stand-in with a project, and a connection to it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connections.budgets import NoBudget
from connections.infisical.client import InfisicalClient, Site
from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Project, World
from sources.infisical import source as reading
from sources.infisical.source import InfisicalSource
from sources.linking import link_project
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from tests.sources.hostile import CANARY
from tests.sources.infisical.scene import CLIENT_ID, CLIENT_SECRET, connection_to
from vault import models as vault

VALUES = {"A": f"{CANARY}-a", "B": f"{CANARY}-b"}


class Handed:
    """One token, which is all that there is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def current(self) -> str:
        return self.text

    def renewed(self, refused: str) -> str:
        return self.text


def open_at(url: str, project_id: str, *, token: str = "", deadline: float = PATIENCE) -> InfisicalSource:
    client = InfisicalClient(
        Site(url, "team-vault"),
        tokens=Handed(token),
        budget=NoBudget(),
        deadline=timedelta(seconds=deadline),
        wait=lambda seconds: None,
    )
    return InfisicalSource(client, project_id)


@pytest.fixture(autouse=True)
def ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learned of a server is not known of the next one that has its port."""
    monkeypatch.setattr(reading, "_without_v4", set())


@pytest.fixture(params=list(Edition))
def edition(request: pytest.FixtureRequest) -> Edition:
    return Edition(request.param)


@pytest.fixture
def infisical(edition: Edition) -> Iterator[InfisicalSandbox]:
    with InfisicalSandbox(world=World(edition=edition)) as server:
        server.world.add_identity(CLIENT_ID, CLIENT_SECRET)
        yield server


@pytest.fixture
def shop(infisical: InfisicalSandbox) -> Project:
    """`dev:/app` has A and B, and nothing else."""
    shop = infisical.world.add_project("shop", name="The shop")
    infisical.world.put(shop, "dev", "/app", **VALUES)
    return shop


@pytest.fixture
def source(infisical: InfisicalSandbox, shop: Project) -> Iterator[InfisicalSource]:
    token = infisical.world.new_token(infisical.world.identities[CLIENT_ID])
    with open_at(infisical.url, shop.id, token=token) as source:
        yield source


@pytest.fixture
def connection_to_it(db: None, infisical: InfisicalSandbox) -> Connection:
    return connection_to(infisical)


@pytest.fixture
def linked(connection_to_it: Connection, shop: Project) -> vault.Project:
    return link_project(connection_to_it, shop.id, by=ANYBODY)
