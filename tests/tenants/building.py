"""Two teams on one installation, each with one of everything; each text of a team has a word of its own in it.

Keys, slugs and IDs of organizations take letters and digits alone, and so do the words: a number tells them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from accounts.roles import VIEWER
from api.hooks.models import Hook
from api.models import ApiToken, MachineIdentity
from connections.models import Connection
from fleets.choices import Cause, RolloutState, Selection
from fleets.choices import State as Standing
from fleets.models import SyncSet
from notices.choices import State, Way
from notices.models import Channel, Delivery, Incident, Rule
from sources.models import Copy, LinkedProject, ListedFolders, SharedConnection
from syncs.choices import Action, BlockedReason, Decision, Outcome, Phase, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, StrangerDecision, SyncRun, SyncRunChange, WriteIntent
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.sources.memory import Shelf
from vault import editing
from vault.access.models import Membership
from vault.access.roles import Role
from vault.models import Secret, TrashEntry

API_KEY = "cog_sandbox"


@dataclass
class Tenant:
    """`rows` are its own, by what routes call them."""

    name: str
    user: User
    numbers: Iterator[int] = field(default_factory=count)
    words: set[str] = field(default_factory=set)
    rows: dict[str, Any] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    caller: Caller = field(default_factory=Caller)

    def word(self) -> str:
        """One that stands in no other text."""
        word = f"{self.name}{next(self.numbers):03}zq"
        self.words.add(word)
        return word

    def key(self) -> str:
        return self.word().upper()

    def id_of(self, what: str) -> str:
        return str(self.rows[what].pk)


def build_tenant(name: str, *, devin_url: str, shelves: dict[UUID, Shelf]) -> Tenant:
    tenant = Tenant(name, User.objects.create_user(f"{name}-person", is_staff=True))
    tenant.words.add(f"{name}-person")
    _fill_vault(tenant)
    _connect(tenant, devin_url)
    _link(tenant, shelves)
    _sync(tenant)
    _make_set(tenant)
    _tell(tenant)
    _let_in(tenant)
    return tenant


def _fill_vault(tenant: Tenant) -> None:
    word, rows = tenant.word, tenant.rows
    project = editing.create_project(
        name=word(), slug=word(), description=word(), environments=[(word(), word()), (word(), word())], by=ANYBODY
    )
    environment, other = project.environments.order_by("position")
    app = editing.create_folder(environment, f"/{word()}", description=word(), by=ANYBODY)
    shared = editing.create_folder(environment, f"/{word()}", by=ANYBODY)
    keys = {tenant.key(): word() for _ in range(3)}
    editing.set_secrets(app, keys, comments={key: word() for key in keys}, by=ANYBODY)
    editing.set_secrets(shared, {tenant.key(): word()}, by=ANYBODY)
    tag = editing.create_tag(project, word(), name=word(), by=ANYBODY)
    secret, moved, doomed = app.secrets.order_by("key")
    editing.set_upkeep(secret, editing.Upkeep(owner=word(), rotate_by=date(2020, 1, 1), tags=[tag.slug]), by=ANYBODY)
    editing.set_labels(project.pk, {moved: editing.Labels(metadata=[editing.Metadatum(word(), word())])}, by=ANYBODY)
    editing.set_secret(app, secret.key, word(), by=ANYBODY)
    editing.set_secret(shared, tenant.key(), f"${{{secret.key}}}", by=ANYBODY)
    rows["import"] = editing.add_import(app, shared, by=ANYBODY)
    editing.delete_secret(doomed, by=ANYBODY)
    editing.delete_folder(editing.create_folder(other, f"/{word()}", by=ANYBODY), by=ANYBODY)
    rows |= {"project": project, "environment": environment, "folder": app, "tag": tag}
    rows |= {"secret": Secret.objects.get(pk=secret.pk), "entry": TrashEntry.objects.filter(project=project).first()}


def _connect(tenant: Tenant, devin_url: str) -> None:
    connection = Connection(name=tenant.word(), description=tenant.word(), base_url=devin_url, is_valid=False)
    connection.org_id, connection.principal_name = f"org-{tenant.word()}", tenant.word()
    connection.principal_type, connection.validation_message = "service_user", tenant.word()
    connection.set_api_key(API_KEY)
    connection.save()
    SharedConnection.objects.create(connection=connection, project=tenant.rows["project"])
    tenant.rows["connection"] = connection


def _link(tenant: Tenant, shelves: dict[UUID, Shelf]) -> None:
    """A project that is kept elsewhere, with its webhook, and one on its way into the vault."""
    word = tenant.word
    through = Connection.objects.create(
        name=word(), app="infisical", method="universal-auth", base_url=f"https://{word()}.example"
    )
    linked = editing.create_project(
        name=word(), slug=word(), description=word(), environments=(), source="memory", by=ANYBODY
    )
    shelves[linked.pk] = shelf = Shelf()
    place = shelf.put(word(), f"/{word()}", **{tenant.key(): word()})
    entry = {"slug": place.environment_slug, "name": word(), "id": ""}
    link = LinkedProject.objects.create(
        project=linked, connection=through, remote_id=word(), remote_slug=word(), remote_name=word(),
        environments=[entry], listed_at=timezone.now(), last_error=word(), last_error_at=timezone.now(),
    )  # fmt: skip
    ListedFolders.objects.create(
        link=link, environment_slug=place.environment_slug, folders=[{"path": place.path, "id": ""}],
        listed_at=timezone.now(),
    )  # fmt: skip
    SharedConnection.objects.create(connection=through, project=linked)
    hook = Hook(link=link, last_event=word(), last_problem=word())
    hook.renew_secret()
    hook.save()
    copy = Copy.objects.create(
        connection=through, remote_id=word(), remote_slug=word(), remote_name=word(), into=tenant.rows["project"],
        state=Copy.State.FAILED, message=word(), asked_by=tenant.user,
    )  # fmt: skip
    tenant.rows |= {"linked": linked, "source": through, "hook": hook, "copy": copy, "place": place}


def _sync(tenant: Tenant) -> None:
    word, rows = tenant.word, tenant.rows
    org_id = f"org-{word()}"
    sync = DevinSync(
        name=word(), description=word(), project=rows["project"], folder=rows["folder"], connection=rows["connection"],
        org_id=org_id, key_schema=f"{tenant.key()}_{{{{secretKey}}}}", sync_status=Status.BLOCKED,
        last_sync_message=word(), last_synced_at=timezone.now(),
    )  # fmt: skip
    sync.save()
    elsewhere = DevinSync(name=word(), project=rows["linked"], connection=rows["connection"], org_id=org_id)
    elsewhere.source_environment, elsewhere.source_path = rows["place"].environment_slug, rows["place"].path
    elsewhere.save()
    destination = sync.destination()
    run = SyncRun.objects.create(
        sync=sync, sync_name=sync.name, connection=sync.connection, org_id=org_id, destination=destination,
        trigger=Trigger.MANUAL, requested_by=tenant.user, status=Status.BLOCKED, message=word(), attempt=1,
        blocked_reason=BlockedReason.TOO_MANY_DELETIONS, warnings=[word()], faulty_secret_id=rows["secret"].pk,
        started_at=timezone.now(), finished_at=timezone.now(),
    )  # fmt: skip
    waiting = SyncRun.objects.create(
        sync=sync, sync_name=sync.name, org_id=org_id, trigger=Trigger.MANUAL, requested_by=tenant.user
    )
    change = SyncRunChange.objects.create(
        run=run, action=Action.DELETE, destination_key=tenant.key(), source_key=tenant.key(), secret_id=word(),
        reason=word(), detail=word(),
    )  # fmt: skip
    SyncRunChange.objects.create(
        run=run, action=Action.DELETE, destination_key=tenant.key(), secret_id=word(), reason=word(),
        outcome=Outcome.HELD, is_stranger=True,
    )  # fmt: skip
    managed = ManagedSecret.objects.create(
        sync=sync, destination=destination, destination_key=tenant.key(), source_key=rows["secret"].key,
        secret_id=word(), note=word(), fingerprint="0",
    )  # fmt: skip
    StrangerDecision.objects.create(
        sync=sync, destination=destination, secret_id=word(), destination_key=tenant.key(), decision=Decision.LEAVE
    )
    WriteIntent.objects.create(
        run=run, sync=sync, destination=destination, epoch=1, action=Action.REPLACE, phase=Phase.ABSENT,
        destination_key=tenant.key(), secret_id=word(),
    )  # fmt: skip
    DevinSync.objects.filter(pk=sync.pk).update(last_sync_run_id=run.pk)
    rows |= {"sync": sync, "elsewhere": elsewhere, "run": run, "waiting": waiting, "change": change}
    rows |= {"managed": managed}


def _make_set(tenant: Tenant) -> None:
    """Of two organizations: one has left it with its sync, which is paused, and one waits."""
    word, rows = tenant.word, tenant.rows
    each = SyncSet(
        name=word(), description=word(), project=rows["project"], folder=rows["folder"], connection=rows["connection"],
        selection=Selection.LISTED, below=f"{{{{organization}}}}/{word()}", message=word(),
    )  # fmt: skip
    each.chosen = each.canaries = f"org-{word()}"
    each.save()
    sync = DevinSync(
        name=word(), project=each.project, folder=each.folder, connection=each.connection, org_id=f"org-{word()}",
        is_enabled=False, set_id=each.pk,
    )  # fmt: skip
    sync.save()
    rows["member_of_set"] = each.members.create(org_id=sync.org_id, slug=word(), sync=sync, state=Standing.LEFT)
    each.members.create(org_id=each.chosen, slug=word(), state=Standing.WAITING, message=word())
    rollout = each.rollouts.create(state=RolloutState.STOPPED, cause=Cause.CHANGE, reason=word())
    rollout.steps.create(member=rows["member_of_set"], wave=0)
    rows |= {"set": each, "rollout": rollout}


def _tell(tenant: Tenant) -> None:
    """Of what happens to its sync. Administrators alone see to that, and see it."""
    word, rows = tenant.word, tenant.rows
    channel = Channel(name=word(), way=Way.MAIL, last_problem=word())
    channel.set_address(f"{word()}@example.com", shown=f"{word()}@example.com")
    channel.save()
    rows["rule"] = Rule.objects.create(channel=channel, events=["failed"], sync=rows["sync"])
    incident = Incident.objects.create(
        event="failed", subject=f"sync:{rows['sync'].pk}", title=word(), text=word(), link=f"/{word()}",
        project_id=rows["project"].pk, sync_id=rows["sync"].pk,
    )  # fmt: skip
    delivery = Delivery.objects.create(channel=channel, subject=word(), state=State.FAILED, answer=word())
    delivery.notices.create(incident=incident, channel=channel)
    rows |= {"channel": channel, "incident": incident, "delivery": delivery}


def _let_in(tenant: Tenant) -> None:
    """Every role in its own two projects, and no right beside."""
    for project in (tenant.rows["project"], tenant.rows["linked"]):
        for role in Role:
            Membership.objects.create(project=project, user=tenant.user, role=role)
    token, text = ApiToken.issue(tenant.user, tenant.word())
    identity = MachineIdentity(name=tenant.word(), description=tenant.word(), role=Group.objects.get(name=VIEWER))
    identity.save()
    client_secret, _ = identity.add_secret(description=tenant.word())
    group = Group.objects.create(name=tenant.word())
    project = tenant.rows["project"]
    for whose in ({"user": identity.user}, {"group": group}):
        Membership.objects.create(project=project, role=Role.VIEWER, **whose)
    tenant.rows |= {"group": group, "member": Membership.objects.filter(project=project, user=tenant.user)[0]}
    tenant.rows |= {"token": token, "identity": identity, "client_secret": client_secret, "person": tenant.user}
    tenant.client.force_login(tenant.user)
    tenant.caller = Caller(text)
