"""How many statements a change by the API takes, number for number, and that none of them grows with what is beside."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.auth.throttle import TOLD_AT_ONCE
from api.models import MachineIdentity, RequestCount
from connections.models import Connection, Organization
from fleets.choices import RolloutState
from fleets.choices import State as MemberState
from fleets.models import SyncSet
from notices.choices import Way
from notices.models import Channel, Delivery, Incident, Rule
from sources.models import SharedConnection
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault import editing
from vault.access.models import Membership
from vault.models import Folder, Project, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
SECRET = "/api/v4/secrets/DB_URL"
ALLOWED = 3 * TOLD_AT_ONCE


@pytest.fixture
def place(folder: Folder) -> dict[str, str]:
    return {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


@pytest.fixture
def reader(folder: Folder, connection: Connection, queue: list[str]) -> DevinSync:
    return add_sync(folder, connection, "app")


def add_sync(folder: Folder, to: Connection, name: str, **fields: Any) -> DevinSync:
    project = folder.environment.project
    return DevinSync.objects.create(
        name=name, project=project, folder=folder, connection=to, org_id=f"org-{name}", **fields
    )


def statements(caller: Caller, method: str, path: str, body: Any = None) -> list[str]:
    """Of one request, after another of its kind: types of rows are looked up once."""
    with CaptureQueriesContext(database) as queries:
        caller.ask(method, path, body)
    return [each["sql"] for each in queries]


def test_a_change_of_a_secret_that_a_sync_reads(editor: Caller, reader: DevinSync, place: dict[str, str]) -> None:
    editor.patch(SECRET, place | {"secretValue": "1"})

    joined = statements(editor, "PATCH", SECRET, place | {"secretValue": "2"})
    reader.runs.all().delete()
    asked = statements(editor, "PATCH", SECRET, place | {"secretValue": "3"})

    assert (len(joined), len(asked)) == (25, 26)


@pytest.mark.django_db(transaction=True)
def test_a_change_locks_its_project_for_few_of_them(editor: Caller, reader: DevinSync, place: dict[str, str]) -> None:
    """What can be read before is, unless somebody has changed the project since: then it is read again."""
    editor.patch(SECRET, place | {"secretValue": "1"})
    reader.runs.all().delete()

    asked = statements(editor, "PATCH", SECRET, place | {"secretValue": "2"})

    begin = next(number for number, sql in enumerate(asked) if sql.startswith("BEGIN"))
    assert asked.index("COMMIT") - begin - 1 == 15


def test_what_is_beside_costs_a_change_no_statement(
    editor: Caller, reader: DevinSync, folder: Folder, connection: Connection, place: dict[str, str]
) -> None:
    # Where no sync reads folders below its own, a statement less is asked.
    beside = editing.create_folder(folder.environment, "/beside", by=ANYBODY)
    add_sync(beside, connection, "with-those-below", recursive=True)
    editor.patch(SECRET, place | {"secretValue": "1"})
    few = statements(editor, "PATCH", SECRET, place | {"secretValue": "2"})

    for number in range(30):
        other = editing.create_folder(folder.environment, f"/other-{number}", by=ANYBODY)
        editing.set_secrets(other, {"KEY": "value"}, by=ANYBODY)
        add_sync(other, connection, f"other-{number}", recursive=True)

    assert len(statements(editor, "PATCH", SECRET, place | {"secretValue": "3"})) == len(few)


@pytest.mark.usefixtures("one_minute")
def test_requests_of_a_token_are_counted_together(
    editor: Caller, place: dict[str, str], settings: LazySettings
) -> None:
    """The first of a minute at once, then as many together as may pass beyond the limit."""
    settings.API_RATE_PER_MINUTE = ALLOWED

    written = [
        sum("api_requestcount" in sql for sql in statements(editor, "PATCH", SECRET, place)) > 0 for _ in range(7)
    ]

    assert written == [True, False, False, True, False, False, True]
    assert RequestCount.objects.get().count == 7


@pytest.mark.usefixtures("one_minute")
def test_the_limit_holds_whoever_counted(editor: Caller, place: dict[str, str], settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = ALLOWED
    editor.patch(SECRET, place)
    RequestCount.objects.update(count=ALLOWED)

    answers = [editor.send("PATCH", SECRET, place).status_code for _ in range(6)]

    assert answers == [200, 200, 429, 429, 429, 429]


def test_a_list_takes_as_many_statements_for_each_five_hundred(
    editor: Caller, folder: Folder, place: dict[str, str]
) -> None:
    where = "&".join(f"{name}={value}" for name, value in place.items())
    editing.set_secrets(folder, {f"KEY_{number}": "value" for number in range(498)}, by=ANYBODY)
    editor.get(f"/api/v4/secrets?{where}")
    once = len(statements(editor, "GET", f"/api/v4/secrets?{where}"))

    editing.set_secrets(folder, {f"MORE_{number}": "value" for number in range(500)}, by=ANYBODY)
    editor.get(f"/api/v4/secrets?{where}")
    twice = len(statements(editor, "GET", f"/api/v4/secrets?{where}"))

    # The secrets, their tags, metadata, folders with environments, and who changed them, if anybody.
    assert twice - once == 5


def test_comments_of_many_are_answered_in_as_few(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    editing.set_secrets(folder, {f"KEY_{number}": "value" for number in range(40)}, by=ANYBODY)

    def change(count: int, comment: str) -> int:
        changes = [{"secretKey": f"KEY_{number}", "secretComment": comment} for number in range(count)]
        return len(statements(editor, "PATCH", "/api/v4/secrets/batch", place | {"secrets": changes}))

    change(2, "first")
    assert change(2, "second") == change(40, "third")


def add_run(sync: DevinSync) -> None:
    facts = {"sync_name": sync.name, "connection": sync.connection, "org_id": sync.org_id}
    SyncRun.objects.create(sync=sync, status=Status.SUCCEEDED, trigger=Trigger.MANUAL, **facts)


def add_members(project: Project, number: int) -> None:
    group = Group.objects.create(name=f"Team {number}")
    identity = MachineIdentity(name=f"Deployer {number}", role=group)
    identity.save()
    for whose in ({"group": group}, {"user": identity.user}, {"user": User.objects.create_user(f"person-{number}")}):
        Membership.objects.create(project=project, role="viewer", **whose)


def add_notices(sync: DevinSync, number: int, delivery: Delivery | None = None) -> Delivery:
    """A channel with a rule, and an incident that it and another are told of."""
    channel = Channel.objects.create(name=f"Channel {number}", way=Way.MAIL)
    Rule.objects.create(channel=channel, events=["failed"], project=sync.project)
    incident = Incident.objects.create(event="failed", subject=f"sync:{number}", title="Failed", sync_id=sync.pk)
    own = Delivery.objects.create(channel=channel, subject=incident.title)
    for each in filter(None, (own, delivery)):
        each.notices.create(incident=incident, channel=each.channel)
    return own


def add_set(folder: Folder, to: Connection, number: int) -> SyncSet:
    each = SyncSet(name=f"set-{number}", project=folder.environment.project, folder=folder, connection=to)
    each.plans_asked_at, each.wave_size = timezone.now(), 2
    each.save()
    add_member(each, number)
    return each


def add_member(each: SyncSet, number: int) -> None:
    assert each.folder is not None
    sync = add_sync(each.folder, each.connection, f"{each.name}-{number}", set_id=each.pk)
    Organization.objects.create(connection=each.connection, org_id=sync.org_id, name=f"Org {each.name} {number}")
    member = {"org_id": sync.org_id, "slug": f"org-{number}", "sync": sync, "state": MemberState.ACTIVE}
    each.rollouts.create(state=RolloutState.DONE).steps.create(member=each.members.create(**member), wave=0)


LISTS = {
    "syncs": "/api/v1/secret-syncs?projectId={project}",
    "syncs to Devin": "/api/v1/secret-syncs/devin?projectId={project}",
    "sync sets": "/api/v1/secret-syncs/devin-sets?projectId={project}",
    "organizations of a sync set": "/api/v1/secret-syncs/devin-sets/{set}/organizations",
    "the plan of a sync set": "/api/v1/secret-syncs/devin-sets/{set}/plan",
    "rollouts of a sync set": "/api/v1/secret-syncs/devin-sets/{set}/rollouts",
    "organizations of a rollout": "/api/v1/secret-syncs/devin-sets/{set}/rollouts/{rollout}/organizations",
    "connections": "/api/v1/app-connections?projectId={project}",
    "connections to Devin": "/api/v1/app-connections/devin?projectId={project}",
    "connections to choose from": "/api/v1/app-connections/devin/available?projectId={project}",
    "who uses a connection": "/api/v1/app-connections/devin/{connection}/usage",
    "the document": "/api/v1/sync-declaration",
    "projects": "/api/v1/projects",
    "environments": "/api/v1/projects/{project}/environments",
    "tags": "/api/v1/projects/{project}/tags",
    "members": "/api/v1/projects/{project}/memberships",
    "machine identities as members": "/api/v1/projects/{project}/memberships/identities",
    "groups as members": "/api/v1/projects/{project}/memberships/groups",
    "folders": "/api/v2/folders?projectId={project}&environment=dev&path=/",
    "runs": "/api/v1/secret-syncs/devin/{sync}/runs",
    "the audit log": "/api/v1/audit",
    "channels": "/api/v1/notifications/channels",
    "rules": "/api/v1/notifications/rules",
    "incidents": "/api/v1/notifications/incidents",
    "deliveries": "/api/v1/notifications/deliveries",
    "what a delivery tells of": "/api/v1/notifications/deliveries/{delivery}",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_no_statement_more_for_more_rows(
    administrator: Caller, reader: DevinSync, folder: Folder, connection: Connection, name: str
) -> None:
    project = folder.environment.project
    delivery = add_notices(reader, 100)
    each = add_set(folder, connection, 100)
    ids = {"project": project.pk, "connection": connection.pk, "sync": reader.pk, "delivery": delivery.pk}
    path = LISTS[name].format(**ids, set=each.pk, rollout=each.rollouts.get().pk)
    SharedConnection.objects.create(connection=connection, project=project)
    add_members(project, 100)
    add_run(reader)
    administrator.get(path)
    few = statements(administrator, "GET", path)

    for number in range(12):
        other = Connection.objects.create(name=f"other-{number}", base_url=connection.base_url)
        SharedConnection.objects.create(connection=other, project=project)
        add_sync(folder, connection, f"other-{number}")
        editing.create_folder(folder.environment, f"/other-{number}", by=ANYBODY)
        made = editing.create_project(name=f"Other {number}", slug=f"other-{number}", by=ANYBODY)
        Tag.objects.create(project=project, slug=f"tag-{number}", name=f"tag-{number}")
        SharedConnection.objects.create(connection=connection, project=made)
        add_members(project, number)
        add_run(reader)
        add_notices(reader, number, delivery)
        add_set(folder, connection, number)
        add_member(each, number)

    assert len(statements(administrator, "GET", path)) == len(few)
