"""A large installation in the database alone: one project with thousands of folders and syncs, their runs and lines.

Built by bulk inserts, so nothing runs for it; one more folder holds many secrets and has a sync of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar
from uuid import uuid4

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from audit.models import Action as AuditAction
from audit.models import Entry
from benchmarks.site import Site
from benchmarks.subject import connection_of
from connections.models import Connection
from encryption import seal
from syncs.choices import Action, Outcome, Status, Trigger
from syncs.models import Destination, DevinSync, ManagedSecret, SyncRun, SyncRunChange
from vault.editing import Actor, create_environment, create_folder, create_project, set_secrets
from vault.models import Environment, Folder, Project, Secret, SecretVersion
from vault.wholeness import seal_sum, secret_part

ROWS = 1000
SYNCS_AN_ORGANIZATION = 10
OTHER_PROJECTS = 200
OTHER_CONNECTIONS = 100
LARGE_ORG = "org-large"

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Size:
    syncs: int
    runs: int
    secrets: int
    # Of a run.
    changes: int = 2

    @classmethod
    def of_runs(cls, runs: int, *, secrets: int) -> Self:
        """So many runs, of a twentieth as many syncs."""
        return cls(max(runs // 20, 1), runs, secrets)


@dataclass(frozen=True)
class Estate:
    user: User
    project: Project
    environment: Environment
    large: Folder
    """The folder that holds many secrets."""
    sync: DevinSync
    """Of the large folder."""
    run: SyncRun


def build(site: Site, size: Size) -> Estate:
    by = Actor.on_command_line()
    project = create_project(name="Fleet", slug="fleet", environments=(), by=by)
    environment = create_environment(project, name="Production", slug="prod", by=by)
    large = create_folder(environment, "/large", by=by)
    set_secrets(large, {f"SECRET_{number:05}": f"value {number}" for number in range(size.secrets)}, by=by)
    _add_others()
    syncs = _syncs(project, connection_of(site), _folders(environment, size.syncs))
    runs = _runs(syncs, size)
    user = User.objects.create_superuser("bench", password=None)
    _lines(user, syncs)
    site.sandbox.declare(LARGE_ORG)
    sync = DevinSync.objects.create(
        name="large", project=project, folder=large, connection=connection_of(site), org_id=LARGE_ORG
    )
    return Estate(user, project, environment, large, sync, runs[-1])


def _insert(model: type[Row], rows: Iterator[Row]) -> list[Row]:
    return model._base_manager.bulk_create(rows, batch_size=ROWS)


def _add_others() -> None:
    _insert(Project, (Project(name=f"Other {number}", slug=f"other-{number}") for number in range(OTHER_PROJECTS)))
    names = (f"other-{number}" for number in range(OTHER_CONNECTIONS))
    _insert(Connection, (Connection(name=name, base_url="https://api.devin.ai") for name in names))


def _folders(environment: Environment, count: int) -> list[Folder]:
    """With one secret each."""
    root = environment.folders.get(path="/")
    names = [f"app-{number}" for number in range(count)]
    folders = [Folder(environment=environment, parent=root, name=name, path=f"/{name}") for name in names]
    secrets = [Secret(id=uuid4(), folder=folder, key="DB_URL") for folder in folders]
    for folder, secret in zip(folders, secrets, strict=True):
        secret.sealed_value = seal("value", context=secret.sealing_context())
        folder.seal = seal_sum(folder, secret_part(secret))
    _insert(Folder, iter(folders))
    _insert(Secret, iter(secrets))
    versions = [SecretVersion(secret=secret, version=1) for secret in secrets]
    for version in versions:
        version.sealed_value = seal("value", context=version.sealing_context())
    _insert(SecretVersion, iter(versions))
    return folders


def _syncs(project: Project, connection: Connection, folders: list[Folder]) -> list[DevinSync]:
    organizations = range(len(folders) // SYNCS_AN_ORGANIZATION + 1)
    places = _insert(
        Destination, (Destination(base_url=connection.base_url, org_id=f"org-{number}") for number in organizations)
    )
    now = timezone.now()
    syncs = [
        DevinSync(
            name=folder.name,
            project=project,
            environment=folder.environment,
            folder=folder,
            source_environment=folder.environment.slug,
            source_path=folder.path,
            connection=connection,
            org_id=f"org-{number // SYNCS_AN_ORGANIZATION}",
            sync_status=Status.FAILED if number % 100 == 0 else Status.SUCCEEDED,
            last_synced_at=now,
            next_reconcile_at=now + timedelta(hours=1, seconds=number),
        )
        for number, folder in enumerate(folders)
    ]
    _insert(DevinSync, iter(syncs))
    _insert(
        ManagedSecret,
        (
            ManagedSecret(
                sync=sync,
                destination=places[number // SYNCS_AN_ORGANIZATION],
                destination_key=f"{sync.name}_{key}",
                source_key="DB_URL",
                secret_id=f"secret-{number}-{key}",
            )
            for number, sync in enumerate(syncs)
            for key in range(2)
        ),
    )
    return syncs


def _runs(syncs: list[DevinSync], size: Size) -> list[SyncRun]:
    """Over the last week."""
    now, count = timezone.now(), size.runs
    ages = (timedelta(days=7) * (count - number) / count for number in range(count))
    runs = [
        SyncRun(
            sync=(sync := syncs[number % len(syncs)]),
            sync_name=sync.name,
            connection_id=sync.connection_id,
            org_id=sync.org_id,
            trigger=Trigger.CHANGE,
            status=Status.FAILED if number % 100 == 0 else Status.SUCCEEDED,
            queued_at=now - age,
            started_at=now - age,
            finished_at=now - age,
            created_count=size.changes,
        )
        for number, age in enumerate(ages)
    ]
    _insert(SyncRun, iter(runs))
    changes = (
        SyncRunChange(run=run, action=Action.CREATE, destination_key=key, reason="new", outcome=Outcome.DONE)
        for run in runs
        for key in ("DB_URL", "API_KEY", *(f"KEY_{number}" for number in range(size.changes)))[: size.changes]
    )
    _insert(SyncRunChange, changes)
    return runs


def _lines(user: User, syncs: list[DevinSync]) -> None:
    """Ten for each sync, in the admin's log and in the audit log."""
    kind = ContentType.objects.get_for_model(DevinSync)
    told = [sync for sync in syncs for _ in range(10)]
    _insert(
        LogEntry,
        (
            LogEntry(
                user=user,
                content_type=kind,
                object_id=str(sync.pk),
                object_repr=sync.name,
                action_flag=CHANGE,
                change_message="Changed.",
            )
            for sync in told
        ),
    )
    _insert(
        Entry,
        (
            Entry(actor=user.username, action=AuditAction.CHANGED, kind="sync", object_id=str(sync.pk), name=sync.name)
            for sync in told
        ),
    )
