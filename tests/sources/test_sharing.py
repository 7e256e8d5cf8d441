"""Connections that are shared with projects: who shares them, whom that lets use them, and what stays hidden."""

import io
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, EDITOR
from connections.models import Connection
from sources.models import SharedConnection
from sources.sharing import projects_of, share
from syncs.editing import Actor
from syncs.editing.comparison import compare
from syncs.editing.declaration import apply
from syncs.editing.document import read_document
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from vault.access.models import Membership
from vault.access.roles import Role
from vault.editing import add_import, create_folder, create_project, set_secret, set_secrets
from vault.models import Folder, Project

pytestmark = pytest.mark.django_db
BASE = "/api/v1/app-connections"


@pytest.fixture
def acme(db: None) -> Connection:
    connection = Connection(name="acme", base_url="https://devin.example.com", credentials_hint="wxyz", is_valid=False)
    connection.set_api_key("cog_" + "k" * 30)
    connection.validation_message = "Devin refused the key."
    connection.save()
    return connection


@pytest.fixture
def app(project: Project) -> Folder:
    folder = create_folder(project.environments.get(slug="dev"), "/app", by=ANYBODY)
    set_secrets(folder, {"A": "1"}, by=ANYBODY)
    return folder


def person(group: str, *members: tuple[Project, str]) -> User:
    user = User.objects.create_user(f"person-{User.objects.count()}", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    for project, role in members:
        Membership.objects.create(project=project, user=user, role=role)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body_of(folder: Folder, connection: Connection, **more: Any) -> dict[str, Any]:
    return {
        "name": "new-sync",
        "projectId": str(folder.environment.project_id),
        "connectionId": str(connection.pk),
        "environment": "dev",
        "secretPath": folder.path,
        "isAutoSyncEnabled": False,
        "syncOptions": {"initialSyncBehavior": "overwrite-destination"},
        "destinationConfig": {"orgId": "org-acme"},
    } | more


def test_an_administrator_shares_it_and_stops(project: Project, acme: Connection) -> None:
    client = browser(person(ADMINISTRATOR))
    url = reverse("admin:connections_connection_sharing", args=[acme.pk])

    shared = client.post(url, {"share": "yes", "project": str(project.pk)}, follow=True).content.decode()
    assert "Shared with Here." in shared
    assert projects_of(acme) == [project]
    assert "Here" in client.get(reverse("admin:connections_connection_change", args=[acme.pk])).content.decode()

    assert "no longer shared with" in client.post(url, {"stop": str(project.pk)}, follow=True).content.decode().lower()
    assert projects_of(acme) == []


def test_to_share_takes_the_right_to_change_connections(project: Project, acme: Connection) -> None:
    url = reverse("admin:connections_connection_sharing", args=[acme.pk])
    for user in (person(EDITOR), person("", *((project, role) for role in Role.values))):
        assert browser(user).post(url, {"share": "yes", "project": str(project.pk)}).status_code == 403
        caller = make_caller(user)
        assert caller.send("PUT", f"{BASE}/{acme.pk}/projects", {"projectIds": [str(project.pk)]}).status_code == 403
    assert projects_of(acme) == []


def test_the_api_and_the_document_share_it_too(project: Project, acme: Connection) -> None:
    other = create_project(name="Other", slug="other", by=ANYBODY)
    caller = make_caller(person(ADMINISTRATOR))

    answer = caller.ask("PUT", f"{BASE}/{acme.pk}/projects", {"projectIds": [str(project.pk)]})
    assert answer["appConnection"]["sharedProjectIds"] == [str(project.pk)]
    told = yaml.safe_load(exported())["connections"][0]
    assert told["shared_with"] == ["here"]

    applied("connections: [{name: acme, shared_with: [other]}]")
    assert projects_of(acme) == [other]
    applied("connections: [{name: acme, description: x}]")
    assert projects_of(acme) == [other], "what is not said stays"
    applied("connections: [{name: acme, shared_with: []}]")
    assert projects_of(acme) == []
    unknown = {"document": "connections: [{name: acme, shared_with: [nowhere]}]"}
    assert "nowhere" in str(caller.post("/api/v1/sync-declaration/plan", unknown, status=422))


def exported() -> str:
    out = io.StringIO()
    call_command("export", stdout=out)
    return out.getvalue()


def applied(document: str) -> None:
    apply(compare(read_document(document), keys={}), by=Actor.on_command_line())


def test_members_see_its_name_and_how_it_is_and_no_more(project: Project, acme: Connection) -> None:
    hidden = create_project(name="Hidden", slug="hidden", by=ANYBODY)
    Connection.objects.update(parameters={"proxy": "http://proxy.example:3128"})
    user = person("", (project, Role.VIEWER))
    client, caller = browser(user), make_caller(user)
    change = reverse("admin:connections_connection_change", args=[acme.pk])

    assert client.get(change).status_code == 302
    assert caller.send("GET", f"{BASE}/devin/{acme.pk}").status_code == 404
    share(acme, [project, hidden])

    page = client.get(change).content.decode()
    assert "acme" in page
    assert "Devin refused the key." in page
    for secret in ("wxyz", "proxy.example", "Hidden", 'name="api_key"'):
        assert secret not in page
    told = caller.get(f"{BASE}/devin/{acme.pk}")["appConnection"]
    assert (told["isValid"], told["proxy"], told["sharedProjectIds"]) == (False, None, [str(project.pk)])
    assert client.get(reverse("admin:connections_connection_history", args=[acme.pk])).status_code == 403
    for method, route in (("PATCH", "devin/"), ("DELETE", "devin/")):
        assert caller.send(method, f"{BASE}/{route}{acme.pk}", {"name": "mine"}).status_code == 403
    assert client.post(change, {"name": "mine"}).status_code == 403
    assert Connection.objects.get().name == "acme"


@pytest.mark.parametrize(
    ("roles", "lacking"),
    [
        ([Role.EDITOR, Role.READER], ""),
        ([Role.EDITOR], "vault.reveal_secret"),
        ([Role.READER], "syncs.add_devinsync"),
        ([Role.OPERATOR], "syncs.add_devinsync"),
    ],
)
def test_a_sync_takes_the_right_to_make_it_and_to_read(app: Folder, acme: Connection, roles: Any, lacking: str) -> None:
    project = app.environment.project
    SharedConnection.objects.create(connection=acme, project=project)
    caller = make_caller(person("", *((project, role) for role in roles)))

    response = caller.send("POST", "/api/v1/secret-syncs/devin", body_of(app, acme))

    assert response.status_code == (403 if lacking else 200)
    assert lacking in response.content.decode()
    assert DevinSync.objects.exists() == (not lacking)


def test_a_connection_that_is_not_shared_is_not_there(project: Project, app: Folder, acme: Connection) -> None:
    caller = make_caller(person("", (project, Role.EDITOR), (project, Role.READER)))

    caller.post("/api/v1/secret-syncs/devin", body_of(app, acme), status=404)

    assert not DevinSync.objects.exists()


def test_one_that_another_project_of_theirs_has_is_not_for_this_one(
    project: Project, app: Folder, acme: Connection
) -> None:
    other = create_project(name="Other", slug="other", by=ANYBODY)
    SharedConnection.objects.create(connection=acme, project=other)
    both = [(where, role) for where in (project, other) for role in (Role.EDITOR, Role.READER)]
    caller = make_caller(person("", *both))

    answer = caller.post("/api/v1/secret-syncs/devin", body_of(app, acme), status=403)

    assert "connections.use_connection" in answer["message"]
    assert "acme, which is not shared with this project" in answer["message"]


@pytest.mark.parametrize("way", ["import", "reference", "folder below"])
def test_all_that_a_sync_covers_must_be_theirs_to_read(
    project: Project, app: Folder, acme: Connection, way: str
) -> None:
    """A member who reads /app alone carries nothing away that lies beyond it."""
    SharedConnection.objects.create(connection=acme, project=project)
    beyond = create_folder(app.environment, "/beyond", by=ANYBODY)
    set_secrets(beyond, {"B": "2"}, by=ANYBODY)
    user = person("", (project, Role.EDITOR))
    Membership.objects.create(project=project, user=user, role=Role.READER, paths=["/app"])
    target = app
    if way == "import":
        add_import(app, beyond, by=ANYBODY)
    elif way == "reference":
        set_secret(app, "A", "${dev.beyond.B}", by=ANYBODY)
    else:
        target = app.environment.folders.get(path="/")
    options = {"initialSyncBehavior": "overwrite-destination", "recursive": way == "folder below"}

    answer = make_caller(user).post(
        "/api/v1/secret-syncs/devin", body_of(target, acme, syncOptions=options), status=403
    )

    assert "vault.reveal_secret" in answer["message"]
    assert DevinSync.objects.count() == 0
    Membership.objects.create(project=project, user=user, role=Role.READER)
    assert make_caller(User.objects.get(pk=user.pk)).post(
        "/api/v1/secret-syncs/devin", body_of(target, acme, syncOptions=options)
    )


def test_a_sync_is_not_pointed_to_where_its_editor_may_not_read(
    project: Project, app: Folder, acme: Connection
) -> None:
    SharedConnection.objects.create(connection=acme, project=project)
    create_folder(app.environment, "/beyond", by=ANYBODY)
    sync = DevinSync.objects.create(
        name="s", project=project, folder=app, connection=acme, org_id="org-a", auto_sync_enabled=False
    )
    user = person("", (project, Role.EDITOR))
    Membership.objects.create(project=project, user=user, role=Role.READER, paths=["/app"])
    caller: Caller = make_caller(user)
    url = f"/api/v1/secret-syncs/devin/{sync.pk}"

    assert "dev:/beyond" in caller.patch(url, {"secretPath": "/beyond"}, status=403)["message"]
    assert caller.patch(url, {"description": "ours"})["secretSync"]["description"] == "ours"
    assert caller.patch(url, {"destinationConfig": {"orgId": "org-b"}})["secretSync"]["destinationConfig"]
    sync.refresh_from_db()
    assert (sync.folder, sync.org_id) == (app, "org-b")
