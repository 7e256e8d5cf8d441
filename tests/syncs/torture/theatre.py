"""The scene that every kill is played in, and what must hold after it.

The organization holds six secrets that the sync wrote, and others' (a plain one and a TOTP seed outside the key schema,
and a personal one). The source then asks for three creates, three replaces, two deletes and one keep. Each scene has a
project, a sync and an organization of its own, so that nothing has to be cleaned up between them.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection as database
from django.db.models.functions import Now

from connections.models import Connection
from sandbox.exchange import Exchange
from sandbox.faults import Fault
from sandbox.log import LoggedRequest
from sandbox.organization import Organization as SandboxOrganization
from sandbox.organization import Secret as SandboxSecret
from sandbox.server import Sandbox
from sandbox.wire import Answer
from syncs.choices import Status, Trigger
from syncs.engine.notes import Tag
from syncs.models import Destination, DevinSync, ManagedSecret, SyncRun, WriteIntent
from syncs.runs import jobs
from syncs.runs.ask import request_run
from vault.editing import create_environment, create_project, delete_secret, set_secrets
from vault.models import Folder

BEFORE = {"KEPT": "k", "R1": "old", "R2": "old", "R3": "old", "D1": "d", "D2": "d"}
AFTER = {"KEPT": "k", "R1": "new", "R2": "new", "R3": "new", "C1": "c", "C2": "c", "C3": "c"}
MOST_FURTHER_RUNS = 2

_numbers = itertools.count(1)


@dataclass
class Scene:
    sandbox: Sandbox
    organization: SandboxOrganization
    sync: DevinSync
    folder: Folder
    run: SyncRun
    foreign: dict[str, SandboxSecret] = field(default_factory=dict)
    unwitnessed: list[str] = field(default_factory=list)

    def carry_out(self) -> None:
        jobs.run_sync(str(self.run.pk))

    def carry_out_again(self) -> int:
        """As other workers would after the lease of the dead one has expired; how many times that was."""
        for number in range(MOST_FURTHER_RUNS + 1):
            self.run.refresh_from_db()
            if self.run.is_finished:
                return number
            self.let_lease_expire()
            SyncRun.objects.filter(pk=self.run.pk).update(not_before=None)
            self.carry_out()
        self.run.refresh_from_db()
        return MOST_FURTHER_RUNS + 1

    def let_lease_expire(self) -> None:
        Destination.objects.filter(org_id=self.sync.org_id, lease_expires_at__isnull=False).update(
            lease_expires_at=Now() - timedelta(seconds=1)
        )

    def expected(self) -> dict[str, str]:
        return {f"APP_{key}": value for key, value in AFTER.items()} | {"STRANGER": "s", "LOGIN": "seed"}

    def problems(self) -> list[str]:
        """What does not hold, a sentence each."""
        found = list(self.unwitnessed)
        self.run.refresh_from_db()
        if self.run.status != Status.SUCCEEDED:
            found.append(f"the run is {self.run.status}: {self.run.message}")
        held = sorted((secret.key or "", secret.value) for secret in self._org_level())
        if held != sorted(self.expected().items()):
            found.append(f"the organization holds {[key for key, _ in held]}")
        for secret_id, secret in self.foreign.items():
            if self.organization.get(secret_id) != secret:
                found.append(f"the foreign secret {secret.key} was touched")
        if WriteIntent.objects.open().filter(sync=self.sync).exists():
            found.append("an intent is open")
        if WriteIntent.objects.filter(sync=self.sync).exclude(sealed_value="").exists():
            found.append("a sealed value is left")
        ledger = set(ManagedSecret.objects.filter(sync=self.sync).values_list("destination_key", "secret_id"))
        if ledger != {(s.key, s.secret_id) for s in self._org_level() if s.secret_id not in self.foreign}:
            found.append("the ledger differs from the organization")
        return found

    def _org_level(self) -> list[SandboxSecret]:
        return [secret for secret in self.organization.secrets() if secret.access_type == "org"]


def set_scene(sandbox: Sandbox) -> Scene:
    number = next(_numbers)
    org = f"org-scene-{number}"
    organization = sandbox.directory.declare_organization(org)
    sandbox.directory.declare_key(f"cog_{number}", org_id=org)
    project = create_project(name=f"Scene {number}", environments=(), user=None)
    environment = create_environment(project, name="Development", slug="dev", user=None)
    folder = Folder.objects.get(environment=environment, path="/")
    set_secrets(folder, BEFORE, user=None)
    connection = Connection(name=f"scene-{number}", base_url=sandbox.url)
    connection.set_api_key(f"cog_{number}")
    connection.save()
    sync = DevinSync.objects.create(
        name="scene", project=project, folder=folder, connection=connection, org_id=org, key_schema="APP_{{secretKey}}"
    )
    foreign = [
        organization.put(key="STRANGER", value="s"),
        organization.put(key="LOGIN", value="seed", secret_type="totp"),
        organization.put(key="APP_MINE", value="p", access_type="personal"),
    ]
    jobs.run_sync(str(request_run(sync, trigger=Trigger.MANUAL).pk))
    for key in BEFORE.keys() - AFTER.keys():
        delete_secret(folder.secrets.get(key=key), user=None)
    set_secrets(folder, AFTER, user=None)
    run = SyncRun.objects.pending().get(sync=sync)
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    return Scene(sandbox, organization, sync, folder, run, {secret.secret_id: secret for secret in foreign})


@contextmanager
def witnessed(scene: Scene) -> Iterator[None]:
    """While it lasts, each write that arrives must have an intent that another connection to the database can see."""
    carry_out = Exchange.carry_out

    def look_first(self: Exchange, fault: Fault | None = None) -> Answer:
        entry = self.entry
        if entry.org == scene.sync.org_id and entry.method in ("POST", "DELETE") and not _has_intent(entry):
            scene.unwitnessed.append(f"{entry.method} {entry.key or entry.secret_id} had no committed intent")
        return carry_out(self, fault)

    Exchange.carry_out = look_first  # type: ignore[method-assign]
    try:
        yield
    finally:
        Exchange.carry_out = carry_out  # type: ignore[method-assign]


def _has_intent(entry: LoggedRequest) -> bool:
    try:
        opened = WriteIntent.objects.open()
        if entry.method == "POST":
            tag = Tag.read(entry.note)
            return tag is not None and opened.filter(nonce=tag.nonce).exists()
        return any(entry.secret_id in (intent.secret_id, *intent.old_secret_ids) for intent in opened)
    finally:
        database.close()
