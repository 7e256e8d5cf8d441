"""A project of the stand-in with all that a copy carries, and what it leaves."""

import pytest
from django.contrib.auth.models import User

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Project, Secret
from sources.copying.copying import Prepared, Wish, prepare
from sources.kinds import RemoteProject
from sources.models import Copy
from tests.sources.conftest import connection, no_pause, organization, rung, sandbox
from tests.sources.hostile import CANARY
from tests.sources.infisical.conftest import ask_anew, connection_to_it, edition, infisical, shop
from vault import models as vault

__all__ = [
    "ask_anew",
    "connection",
    "connection_to_it",
    "edition",
    "infisical",
    "no_pause",
    "organization",
    "rung",
    "sandbox",
    "shop",
]


@pytest.fixture
def filled(infisical: InfisicalSandbox, shop: Project) -> Project:
    """`dev:/app` imports `dev:/shared` and `prod:/`, and refers to its own keys and to theirs."""
    world = infisical.world
    world.put(shop, "dev", "/app", URL="postgres://${A}@${prod.HOST}/x", PRICE="$${A}", SHELL="${HOME:-/root}")
    world.put(shop, "dev", "/shared", REGION=f"{CANARY}-region", A="hidden by the folder's own")
    world.put(shop, "prod", "/", HOST=f"{CANARY}-host")
    world.add_folder(shop, "staging", "/empty/below")
    app = shop.environments["dev"].folders["/app"]
    app.imports += [("dev", "/shared"), ("prod", "/")]
    app.secrets[0].comment = "Two lines\nof a comment"
    app.secrets.append(Secret("TEMPLATE", "listen ${port};", tags=("devinsync-literal",)))
    app.secrets.append(Secret("A", f"{CANARY}-mine", kind="personal"))
    return shop


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "", "x")


def wish_for(connection: Connection, shop: Project, into: vault.Project | None = None, *environments: str) -> Wish:
    remote = RemoteProject(shop.id, shop.slug, shop.name)
    name, slug = ("", "") if into is not None else ("Moved in", "moved-in")
    return Wish(connection, remote, environments, into, name, slug)


def quietly(step: str, count: int, total: int) -> None:
    """Nobody is told how far it is."""


def prepared_for(connection: Connection, shop: Project, into: vault.Project | None = None) -> Prepared:
    return prepare(wish_for(connection, shop, into), quietly)


def asked_for(connection: Connection, shop: Project, user: User, into: vault.Project | None = None) -> Copy:
    wish = wish_for(connection, shop, into)
    return Copy.objects.create(
        connection=connection,
        remote_id=shop.id,
        remote_slug=shop.slug,
        remote_name=shop.name,
        into=into,
        name=wish.name,
        slug=wish.slug,
        asked_by=user,
    )
