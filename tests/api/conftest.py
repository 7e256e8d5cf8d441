"""An API with callers of every role, a source, a connection to the sandbox, and runs that end before the answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client

from accounts.roles import ADMINISTRATOR, EDITOR, OPERATOR, VIEWER
from api.models import ApiToken
from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.models import DevinSync
from syncs.runs import jobs
from tests.actors import ANYBODY
from vault.editing import create_folder, create_project, set_secrets
from vault.models import Folder, Project

ORG = "org-sandbox"
API_KEY = "cog_sandbox"
ROLES = (VIEWER, OPERATOR, EDITOR, ADMINISTRATOR)


@dataclass
class Caller:
    """Sends JSON with a token, and hands back the answer with its JSON."""

    token: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = "" if body is None else json.dumps(body)
        return self.client.generic(method, path, data, content_type="application/json", headers=sent)

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        response = self.send(method, path, body, **headers)
        assert response.status_code == status, (response.status_code, response.content[:500])
        return json.loads(response.content)

    def get(self, path: str, *, status: int = 200) -> Any:
        return self.ask("GET", path, status=status)

    def post(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        return self.ask("POST", path, body, status=status, **headers)

    def patch(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self.ask("PATCH", path, body, status=status)

    def delete(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self.ask("DELETE", path, body, status=status)


@pytest.fixture(autouse=True)
def _quick(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.API_RATE_PER_MINUTE = 0
    settings.SYNC_QUIET_TIME = timedelta(0)


def make_user(name: str, role: str) -> User:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get(name=role))
    return user


def make_caller(user: User, **fields: Any) -> Caller:
    return Caller(ApiToken.issue(user, "tests", **fields)[1])


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute that requests are counted by does not end in the middle of a test."""
    monkeypatch.setattr("api.auth.throttle.time", SimpleNamespace(time=lambda: 1_750_000_010.0))


@pytest.fixture
def anonymous(db: None) -> Caller:
    return Caller()


@pytest.fixture
def viewer(db: None) -> Caller:
    return make_caller(make_user("viewer", VIEWER))


@pytest.fixture
def operator(db: None) -> Caller:
    return make_caller(make_user("operator", OPERATOR))


@pytest.fixture
def editor(db: None) -> Caller:
    return make_caller(make_user("editor", EDITOR))


@pytest.fixture
def administrator(db: None) -> Caller:
    return make_caller(make_user("administrator", ADMINISTRATOR))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def organization(sandbox: Sandbox) -> SandboxOrganization:
    return sandbox.organization(ORG)


@pytest.fixture
def worker(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run is carried out as soon as it is committed, in the thread that asked for it."""

    def ring(run_id: object, project_id: object) -> bool:
        jobs.run_sync(str(run_id))
        return True

    monkeypatch.setattr("syncs.runs.ask.ring", ring)
    monkeypatch.setattr("syncs.runs.jobs.ring", lambda run_id, project_id: True)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that the queue was told of; nobody carries them out."""
    told: list[str] = []

    def ring(run_id: object, project_id: object) -> bool:
        told.append(str(run_id))
        return True

    monkeypatch.setattr("syncs.runs.ask.ring", ring)
    return told


@pytest.fixture
def project(db: None) -> Project:
    environments = [("Development", "dev"), ("Production", "prod")]
    return create_project(name="Acme shop", slug="acme-shop", environments=environments, by=ANYBODY)


@pytest.fixture
def folder(project: Project) -> Folder:
    folder = create_folder(project.environments.get(slug="dev"), "/my-secrets", by=ANYBODY)
    set_secrets(folder, {"DB_URL": "postgres://db", "API_KEY": "k-123"}, by=ANYBODY)
    return folder


@pytest.fixture
def connection(db: None, sandbox: Sandbox) -> Connection:
    connection = Connection(name="my-devin-connection", base_url=sandbox.url)
    connection.set_api_key(API_KEY)
    connection.save()
    return connection


@pytest.fixture
def sync_body(project: Project, folder: Folder, connection: Connection) -> dict[str, Any]:
    return {
        "name": "my-devin-sync",
        "projectId": str(project.pk),
        "connectionId": str(connection.pk),
        "environment": "dev",
        "secretPath": "/my-secrets",
        "syncOptions": {"initialSyncBehavior": "overwrite-destination"},
        "destinationConfig": {"orgId": ORG},
    }


@pytest.fixture
def sync(folder: Folder, connection: Connection, queue: list[str]) -> DevinSync:
    return DevinSync.objects.create(
        name="my-devin-sync",
        project=folder.environment.project,
        folder=folder,
        connection=connection,
        org_id=ORG,
    )
