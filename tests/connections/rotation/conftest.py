"""A connection whose key is one of an enterprise's, and what is so of its service user's keys in Devin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.models import Connection
from connections.rotation import steps, uses
from connections.rotation.asking import ask
from connections.rotation.models import KeyRotation, Trigger
from connections.rotation.steps import carry_on
from sandbox.directory import MANAGE_SECRETS, MANAGE_SERVICE_USERS, ApiKey
from sandbox.server import Sandbox

OLD = "cog_canary-of-an-old-key-0001"
RIGHTS = (MANAGE_SECRETS, MANAGE_SERVICE_USERS)
ORGANIZATIONS = ["org-a", "org-b"]
MOST_TURNS = 30


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        for org_id in ORGANIZATIONS:
            server.directory.declare_organization(org_id)
        yield server


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for; both organizations are used, and nothing is under way."""
    monkeypatch.setattr(steps, "GRACE", timedelta())
    monkeypatch.setattr(uses, "_organizations", [lambda connection: ORGANIZATIONS])
    monkeypatch.setattr(uses, "_under_way", [])


@dataclass
class Bench:
    sandbox: Sandbox
    connection: Connection
    service_user: str

    def keys(self) -> list[ApiKey]:
        return self.sandbox.directory.keys_of(self.service_user)

    def live(self) -> list[str]:
        """The names of the keys that work, the oldest first."""
        return [key.key_name for key in self.keys() if key.is_active]

    def used(self) -> ApiKey | None:
        """The key that the connection uses, as Devin knows it; None where it works no more."""
        stored = Connection.objects.get(pk=self.connection.pk)
        key = self.sandbox.directory.key_for(stored._api_key())
        return key if key is not None and key.is_active else None

    def rotate(self) -> KeyRotation:
        return self.finish(ask(self.connection, trigger=Trigger.PERSON, by="ana"))

    def finish(self, rotation: KeyRotation) -> KeyRotation:
        """Carries it on as the scheduler would, without its pauses."""
        for _ in range(MOST_TURNS):
            self.turn(rotation)
            if rotation.is_over:
                return rotation
        raise AssertionError(f"it goes on for ever: {rotation.step}, {rotation.message}")

    def turn(self, rotation: KeyRotation) -> None:
        KeyRotation.objects.filter(pk=rotation.pk).update(due_at=timezone.now())
        carry_on(rotation.pk)
        rotation.refresh_from_db()


@pytest.fixture
def make_bench(db: None, sandbox: Sandbox) -> Callable[..., Bench]:
    def make(token: str = OLD, name: str = "acme", **fields: Any) -> Bench:
        key = sandbox.directory.declare_key(token, **({"org_id": None, "permissions": RIGHTS} | fields))
        connection = Connection(name=name, base_url=sandbox.url)
        connection.set_api_key(token)
        connection.save()
        return Bench(sandbox, connection, key.principal_id)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
