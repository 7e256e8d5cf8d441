"""A sync from a vault folder to an organization of the sandbox, and the means to run it."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command

from connections import sockets
from connections.devin.client import DevinClient
from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Strangers, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from vault.editing import create_environment, create_folder, create_project, delete_secret, set_secrets
from vault.models import Folder, Project

ORG = "org-sandbox"
API_KEY = "cog_sandbox"
Manage = Callable[..., str]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that the queue was told of; these tests carry them out themselves."""
    told: list[str] = []

    def ring(run_id: object, project_id: object) -> bool:
        told.append(str(run_id))
        return True

    for module in ("syncs.runs.ask", "syncs.runs.jobs", "syncs.runs.schedule"):
        monkeypatch.setattr(f"{module}.ring", ring)
    return told


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def organization(sandbox: Sandbox) -> SandboxOrganization:
    return sandbox.organization(ORG)


@pytest.fixture
def project(db: None) -> Project:
    return create_project(name="Acme shop", slug="acme-shop", environments=(), by=ANYBODY)


@pytest.fixture
def folder(project: Project) -> Folder:
    environment = create_environment(project, name="Development", slug="dev", by=ANYBODY)
    return create_folder(environment, "/my-secrets", by=ANYBODY)


@pytest.fixture
def connection(db: None, sandbox: Sandbox) -> Connection:
    connection = Connection(name="acme", base_url=sandbox.url)
    connection.set_api_key(API_KEY)
    connection.save()
    return connection


@pytest.fixture
def sync(folder: Folder, connection: Connection, rung: list[str]) -> DevinSync:
    return DevinSync.objects.create(
        name="my-devin-sync", project=folder.environment.project, folder=folder, connection=connection, org_id=ORG
    )


@pytest.fixture
def never_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no connection to Devin has been idle for too long to be used again."""
    monkeypatch.setattr(sockets, "IDLE_LIMIT", 10 * PATIENCE)
    monkeypatch.setattr(sockets, "IDLE_LIMIT_FOR_A_WRITE", 10 * PATIENCE)


@dataclass
class Bench:
    """Sets the source, runs the sync in this process, and tells what became of it."""

    sync: DevinSync
    folder: Folder
    runs: list[SyncRun] = field(default_factory=list)

    def source(self, **values: str) -> None:
        """Makes the folder hold exactly these."""
        for secret in self.folder.secrets.exclude(key__in=values):
            delete_secret(secret, by=ANYBODY)
        set_secrets(self.folder, values, by=ANYBODY)

    def run(
        self,
        *,
        trigger: Trigger = Trigger.MANUAL,
        operation: Operation = Operation.SYNC,
        user: User | None = None,
        **wishes: Any,
    ) -> SyncRun:
        run = request_run(self.sync, trigger=trigger, operation=operation, user=user, wishes=Wishes(**wishes))
        return self.carry_out(run)

    def carry_out(self, run: SyncRun) -> SyncRun:
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        jobs.run_sync(str(run.pk))
        run.refresh_from_db()
        self.sync.refresh_from_db()
        return run

    def options(self, **options: object) -> None:
        for name, value in options.items():
            setattr(self.sync, name, value)
        self.sync.save()


@pytest.fixture
def other(project: Project, connection: Connection, rung: list[str]) -> Bench:
    """A second sync of the same organization, from another environment; it leaves strangers alone."""
    environment = create_environment(project, name="Production", slug="prod", by=ANYBODY)
    folder = create_folder(environment, "/theirs", by=ANYBODY)
    sync = DevinSync.objects.create(
        name="their-sync", project=project, folder=folder, connection=connection, org_id=ORG, strangers=Strangers.LEAVE
    )
    return Bench(sync, folder)


def changes(run: SyncRun, outcome: Outcome = Outcome.DONE) -> list[str]:
    """`["create A", "delete B"]`, as recorded."""
    return [f"{row.action} {row.destination_key}" for row in run.changes.filter(outcome=outcome).order_by("pk")]


@pytest.fixture
def bench(sync: DevinSync, folder: Folder) -> Bench:
    return Bench(sync, folder)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between two looks at the organization, and between two tries of a request, take no time."""

    def hurry(seconds: float) -> None:
        pass

    monkeypatch.setattr("syncs.engine.reconcile.pause", hurry)
    monkeypatch.setattr("connections.devin.app.DevinClient", partial(DevinClient, wait=hurry))


@pytest.fixture(autouse=True)
def _quick(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def manage() -> Manage:
    """Calls a command and answers what it printed."""

    def call(*arguments: str, **options: Any) -> str:
        out = io.StringIO()
        call_command(*arguments, stdout=out, **options)
        return out.getvalue()

    return call
