"""Whoever may change a sync or a set, and no more, learns by no guess what else there is."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Permission, User

from connections.models import Connection
from fleets.models import Member, SyncSet
from sources.sharing import share
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from tests.api.resources.test_sync_sets import ALL, SETS, SYNCS, List, Make, body, devin_lists, make  # noqa: F401
from vault.access.models import Membership
from vault.editing import create_environment, create_folder, create_project
from vault.models import Folder, Project

pytestmark = pytest.mark.usefixtures("queue")
PLAN, CHECK = "/api/v1/sync-declaration/plan", f"{SYNCS}/check-destination"
CHANGES = ("view_devinsync", "change_devinsync")
SENDS = (*CHANGES, "use_connection", "reveal_secret")


def caller_with(*permissions: str) -> Caller:
    user = User.objects.create_user("mallory")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return make_caller(user)


def refused(caller: Caller, route: str, sent: dict[str, Any], guess: str) -> str:
    """How it was refused, without what was guessed."""
    return str(caller.patch(route, sent, status=403)["message"]).replace(guess, "")


@pytest.fixture
def routes(make: Make, sync: DevinSync) -> list[str]:  # noqa: F811
    return [f"{SETS}/{make()['id']}", f"{SYNCS}/{sync.pk}"]


def test_not_whether_there_is_a_folder_elsewhere(routes: list[str], folder: Folder) -> None:
    create_folder(folder.environment, "/hidden", by=ANYBODY)
    user = User.objects.create_user("mallory")
    Membership.objects.create(project=folder.environment.project, user=user, role="editor", paths=[folder.path])
    caller = make_caller(user)

    for route in routes:
        told = {refused(caller, route, {"secretPath": path}, path) for path in ("/hidden", "/missing")}
        assert len(told) == 1, route
        assert "syncs.change_devinsync" in told.pop()


def test_not_which_organizations_a_connection_reaches(routes: list[str]) -> None:
    caller = caller_with(*CHANGES)
    of_set, of_sync = routes

    for route, asking in (
        (of_set, lambda name: {"canaries": [name]}),
        (of_set, lambda name: {"destinationConfig": {"selection": "listed", "chosen": [name]}}),
        (of_sync, lambda name: {"destinationConfig": {"orgId": name}}),
    ):
        told = {refused(caller, route, asking(name), name) for name in ("Beta Corp", "Nobody")}
        assert len(told) == 1, route
        assert "connections.use_connection" in told.pop()


def document(kind: str, **said: object) -> dict[str, str]:
    entry = {
        "name": "new",
        "project": "acme-shop",
        "environment": "dev",
        "path": "/my-secrets",
        "connection": "my-devin-connection",
        **({"org_id": "org-sandbox"} if kind == "syncs" and "organization" not in said else {}),
    }
    return {"document": yaml.safe_dump({kind: [entry | said]})}


@pytest.fixture
def member(folder: Folder, connection: Connection, devin_lists: List) -> Caller:  # noqa: F811
    """Sees one folder of one environment, and the connection that is shared with its project."""
    user, project = User.objects.create_user("mallory"), folder.environment.project
    Membership.objects.create(project=project, user=user, role="viewer", environments=["dev"], paths=[folder.path])
    devin_lists("Acme", "Beta Corp")
    share(connection, [project])
    return make_caller(user)


@pytest.mark.parametrize("kind", ["syncs", "sets"])
def test_a_plan_of_a_document_tells_no_more(member: Caller, folder: Folder, kind: str) -> None:
    hidden = create_environment(folder.environment.project, name="Hidden", slug="hidden", by=ANYBODY)
    create_folder(hidden, "/there", by=ANYBODY)
    create_folder(folder.environment, "/there", by=ANYBODY)
    told = set()
    for environment, path in (("hidden", "/there"), ("hidden", "/none"), ("none", "/there"), ("dev", "/there")):
        sent = document(kind, environment=environment, path=path)
        answer = str(member.post(f"{PLAN}", sent, status=403)["message"])
        told.add(answer.replace(environment, "").replace(path, ""))

    assert len(told) == 1
    assert "hidden" not in told.pop()


@pytest.mark.parametrize(
    "asking",
    [
        lambda name: document("syncs", organization=name),
        lambda name: document("sets", selection="listed", chosen=[name]),
        lambda name: document("sets", selection="matching", chosen=[f"{name[:2]}*"]),
        lambda name: document("sets", canaries=[name]),
    ],
)
def test_nor_which_organizations_there_are(member: Caller, asking: Callable[[str], Any]) -> None:
    told = {str(member.post(PLAN, asking(name), status=403)["message"]) for name in ("Beta Corp", "Nobody")}

    assert len(told) == 1
    assert "connections.use_connection" in told.pop()


def test_nor_does_the_check_of_a_destination(
    member: Caller, viewer: Caller, connection: Connection, project: Project
) -> None:
    def sent(name: str) -> dict[str, Any]:
        named = {"projectId": str(project.pk), "connectionId": str(connection.pk)}
        return named | {"destinationConfig": {"orgId": name}}

    told = {str(member.post(CHECK, sent(name), status=403)["message"]) for name in ("Beta Corp", "Nobody")}

    assert len(told) == 1
    member.post(CHECK, sent("org-sandbox"))
    assert viewer.post(CHECK, sent("Beta Corp"))["orgId"] == "org-betacorp"


@pytest.mark.usefixtures("member")
def test_a_token_without_scopes_of_connections_asks_for_no_organization(
    admin_user: User, connection: Connection, project: Project
) -> None:
    def found(*scopes: str, status: int = 200) -> Any:
        asked = {"connectionId": str(connection.pk), "destinationConfig": {"orgId": "Beta Corp"}}
        return make_caller(admin_user, scopes=list(scopes)).post(
            CHECK, asked | {"projectId": str(project.pk)}, status=status
        )

    found("syncs:read", status=403)

    assert found("syncs:read", "connections:read")["orgId"] == "org-betacorp"
    assert found("syncs:read", "connections:use")["orgId"] == "org-betacorp"


def test_nor_what_a_connection_takes_as_its_own_way(member: Caller, connection: Connection) -> None:
    entry = {"name": connection.name, "ca_certificate": "guess"}

    answer = member.post(PLAN, {"document": yaml.safe_dump({"connections": [entry]})}, status=403)

    assert "connections.view_connection" in answer["message"]


def test_a_connection_of_other_projects_names_no_organizations(member: Caller, connection: Connection) -> None:
    mine = create_project(name="Mine", slug="mine", environments=[("Dev", "dev")], by=ANYBODY)
    Membership.objects.create(project=mine, user=User.objects.get(username="mallory"), role="editor")
    for route, of_name in (
        (f"{SYNCS}", lambda name: {"destinationConfig": {"orgId": name}}),
        (SETS, lambda name: {"destinationConfig": {"selection": "listed", "chosen": [name]}}),
    ):
        sent = {
            "name": "new", "projectId": str(mine.pk), "connectionId": str(connection.pk), "environment": "dev",
            "secretPath": "/", "syncOptions": {"initialSyncBehavior": "overwrite-destination"},
        }  # fmt: skip
        answers = [member.post(route, sent | of_name(name), status=403) for name in ("Beta Corp", "Nobody")]
        told = {str(answer["message"]) for answer in answers}
        assert len(told) == 1, route


def test_nobody_loses_secrets_by_whoever_may_not_remove_any(make: Make) -> None:  # noqa: F811
    made = make(destinationConfig=ALL | {"whenLeft": "remove"})
    caller = caller_with(*SENDS)
    leaving = {"destinationConfig": ALL | {"whenLeft": "remove", "exceptions": ["*"]}}

    told = caller.patch(f"{SETS}/{made['id']}", leaving, status=403)["message"]

    assert "syncs.remove_secrets" in told or "syncs.delete_devinsync" in told
    assert not Member.objects.filter(state="left").exists()
    caller.patch(f"{SETS}/{made['id']}", {"description": "as before"})
    assert SyncSet.objects.get().description == "as before"
