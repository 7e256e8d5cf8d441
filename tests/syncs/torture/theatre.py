"""The scenes that every kill is played in, and what must hold after them.

The organization holds secrets that the sync wrote, and others' (a plain one and a TOTP seed outside the key schema, and
a personal one). Then the source asks for something, by the play:

    writes      three creates, three replaces, two deletes and one keep
    renames     another key schema renames four (one with a new value, over a stranger's secret of that key; one by its
                value alone, as its key changed too; one whose key and value changed in one edit); one create, one
                delete
    hand-overs  two keys go to another sync, which has one of them with the same value; one replace, one delete

Each scene has a project, syncs and an organization of its own, so that nothing has to be cleaned up between them.
"""

import itertools
import socket
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
from syncs.choices import Status, Strangers, Trigger
from syncs.engine.notes import Tag
from syncs.models import Destination, DevinSync, ManagedSecret, SyncRun, WriteIntent
from syncs.runs import jobs
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.patience import PATIENCE, wait_until
from vault.editing import create_environment, create_project, delete_secret, set_secrets, update_secret
from vault.models import Folder

MOST_FURTHER_RUNS = 2

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Play:
    """`edited` leads from keys to what they are called once key and value have changed in one edit.

    `theirs` is what another sync's source has, `obstacle` a stranger's key that one of ours is to have.
    """

    before: dict[str, str]
    after: dict[str, str]
    prefix: str = "APP_"
    edited: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    obstacle: str = ""


WRITES = Play(
    before={"KEPT": "k", "R1": "old", "R2": "old", "R3": "old", "D1": "d", "D2": "d"},
    after={"KEPT": "k", "R1": "new", "R2": "new", "R3": "new", "C1": "c", "C2": "c", "C3": "c"},
)
RENAMES = Play(
    before={"A": "a", "B": "old", "FORMER": "f", "EDITED": "old", "D1": "d"},
    after={"A": "a", "B": "new", "LATER": "f", "REVISED": "new", "C1": "c"},
    prefix="NEW_",
    edited={"EDITED": "REVISED"},
    obstacle="NEW_B",
)
HAND_OVERS = Play(
    before={"KEPT": "k", "R1": "old", "D1": "d", "SAME": "s", "OTHER": "ours"},
    after={"KEPT": "k", "R1": "new"},
    theirs={"SAME": "s", "OTHER": "theirs"},
)
PLAYS = {"writes": WRITES, "renames": RENAMES, "hand-overs": HAND_OVERS}


@dataclass
class Scene:
    play: Play
    sandbox: Sandbox
    organization: SandboxOrganization
    sync: DevinSync
    folder: Folder
    run: SyncRun
    other: DevinSync | None = None
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
        own = {f"{self.play.prefix}{key}": value for key, value in self.play.after.items()}
        return (
            own | {f"APP_{key}": value for key, value in self.play.theirs.items()} | {"STRANGER": "s", "LOGIN": "seed"}
        )

    def let_other_run(self) -> list[str]:
        """The sync that was given keys was rung, and runs; what does not hold of that."""
        if self.other is None:
            return []
        run = SyncRun.objects.pending().filter(sync=self.other).first()
        if run is None:
            return ["the other sync was not rung"]
        self.let_lease_expire()
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        jobs.run_sync(str(run.pk))
        run.refresh_from_db()
        return [] if run.status == Status.SUCCEEDED else [f"the other run is {run.status}: {run.message}"]

    def problems(self) -> list[str]:
        """What does not hold, a sentence each."""
        found = list(self.unwitnessed)
        self.run.refresh_from_db()
        found += self.let_other_run()
        if self.run.status != Status.SUCCEEDED:
            found.append(f"the run is {self.run.status}: {self.run.message}")
        return found + self._problems_in_devin() + self._problems_in_the_database()

    def _problems_in_devin(self) -> list[str]:
        found = []
        held = sorted((secret.key or "", secret.value) for secret in self._org_level())
        if held != sorted(self.expected().items()):
            found.append(f"the organization holds {[key for key, _ in held]}")
        for secret_id, secret in self.foreign.items():
            if self.organization.get(secret_id) != secret:
                found.append(f"the foreign secret {secret.key} was touched")
        if any(entry.key == "APP_SAME" for entry in self.sandbox.log.writes() if entry.org == self.sync.org_id):
            found.append("a key that changed hands with its value was written")
        return found

    def _problems_in_the_database(self) -> list[str]:
        found, syncs = [], [self.sync, *([self.other] if self.other else [])]
        if WriteIntent.objects.open().filter(sync__in=syncs).exists():
            found.append("an intent is open")
        if WriteIntent.objects.filter(sync__in=syncs).exclude(sealed_value="").exists():
            found.append("a sealed value is left")
        ledger = set(ManagedSecret.objects.filter(sync__in=syncs).values_list("destination_key", "secret_id"))
        if ledger != {(s.key, s.secret_id) for s in self._org_level() if s.secret_id not in self.foreign}:
            found.append("the ledger differs from the organization")
        theirs = set(ManagedSecret.objects.filter(sync=self.other).values_list("destination_key", flat=True))
        if self.other and theirs != {f"APP_{key}" for key in self.play.theirs}:
            found.append(f"the other sync holds {sorted(theirs)}")
        return found

    def _org_level(self) -> list[SandboxSecret]:
        return [secret for secret in self.organization.secrets() if secret.access_type == "org"]


def set_scene(sandbox: Sandbox, play: Play = WRITES) -> Scene:
    number = next(_numbers)
    org = f"org-scene-{number}"
    organization = sandbox.directory.declare_organization(org)
    sandbox.directory.declare_key(f"cog_{number}", org_id=org)
    project = create_project(name=f"Scene {number}", environments=(), by=ANYBODY)
    environment = create_environment(project, name="Development", slug="dev", by=ANYBODY)
    folder = Folder.objects.get(environment=environment, path="/")
    set_secrets(folder, play.before, by=ANYBODY)
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
    other = _set_other(sync, play.theirs) if play.theirs else None
    if play.obstacle:
        organization.put(key=play.obstacle, value="somebody's")
    for key, later in play.edited.items():
        update_secret(folder.secrets.get(key=key), key=later, value=play.after[later], by=ANYBODY)
    for key in play.before.keys() - play.after.keys() - play.edited.keys():
        delete_secret(folder.secrets.get(key=key), by=ANYBODY)
    set_secrets(folder, play.after, by=ANYBODY)
    DevinSync.objects.filter(pk=sync.pk).update(key_schema=f"{play.prefix}{{{{secretKey}}}}")
    sync.refresh_from_db()
    run = SyncRun.objects.pending().get(sync=sync)
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    if play is not WRITES:
        sandbox.clear_traffic()
    return Scene(play, sandbox, organization, sync, folder, run, other, {one.secret_id: one for one in foreign})


def _set_other(sync: DevinSync, theirs: dict[str, str]) -> DevinSync:
    """Another sync of the organization; its first run was refused the keys that the first one holds."""
    environment = create_environment(sync.project, name="Production", slug="prod", by=ANYBODY)
    folder = Folder.objects.get(environment=environment, path="/")
    set_secrets(folder, theirs, by=ANYBODY)
    other = DevinSync.objects.create(
        name="other", project=sync.project, folder=folder, connection=sync.connection, org_id=sync.org_id,
        key_schema=sync.key_schema, strangers=Strangers.LEAVE,
    )  # fmt: skip
    jobs.run_sync(str(request_run(other, trigger=Trigger.MANUAL).pk))
    SyncRun.objects.pending().filter(sync=other).delete()
    return other


def wait_for_quiet(sandbox: Sandbox) -> None:
    """Until all that was sent has arrived and is carried out, also what a dead or stopped worker sent."""
    # Connections are accepted in the order in which they came: once this one is served, all before it are.
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as last:
        last.sendall(b"GET /style.css HTTP/1.1\r\nConnection: close\r\n\r\n")
        while last.recv(65536):
            pass
    wait_until(sandbox.is_quiet)


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
