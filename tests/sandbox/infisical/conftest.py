"""A stand-in with a project, a reader who may see it, and a clock that moves only where a test lets time pass."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Project, World
from tests.sandbox.caller import Caller
from tests.sandbox.infisical.asking import CLIENT_ID, CLIENT_SECRET


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.infisical.world.time", SimpleNamespace(monotonic=lambda: 1000.0))


@pytest.fixture
def edition() -> Edition:
    """The newer one, where a test does not say another."""
    return Edition.NEW


@pytest.fixture
def infisical(edition: Edition) -> Iterator[InfisicalSandbox]:
    with InfisicalSandbox(world=World(edition=edition)) as server:
        server.world.add_identity(CLIENT_ID, CLIENT_SECRET, ttl=7200)
        yield server


@pytest.fixture
def world(infisical: InfisicalSandbox) -> World:
    return infisical.world


@pytest.fixture
def shop(world: World) -> Project:
    """`dev:/app` has A and B."""
    shop = world.add_project("shop", name="The shop")
    world.put(shop, "dev", "/app", A="a-1", B="b-1")
    return shop


@pytest.fixture
def stranger(infisical: InfisicalSandbox) -> Iterator[Caller]:
    """Who has no token yet."""
    caller = Caller(infisical.url, token=None)
    yield caller
    caller.close()


@pytest.fixture
def reader(infisical: InfisicalSandbox) -> Iterator[Caller]:
    caller = Caller(infisical.url, token=infisical.world.new_token(infisical.world.identities[CLIENT_ID]))
    yield caller
    caller.close()
