"""Sync sets in the document, by REST: each change with the rights and scopes of their own routes."""

from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Permission, User

from api.auth.scopes import SCOPES
from connections.devin.types import RemoteOrganization
from connections.models import Connection
from connections.organizations import take_over
from fleets.editing import create_set
from fleets.generating import generate
from fleets.models import SyncSet
from syncs.editing.declaration import describe_all
from syncs.models import DevinSync
from tests.api.conftest import Caller, make_caller
from tests.api.resources.test_declaration import BASE, RIGHTS, actions
from tests.fleets.conftest import CONSOLE
from vault.models import Folder

pytestmark = pytest.mark.usefixtures("queue")
HEAD = "sets:\n- name: core\n  project: acme-shop\n"
NEW = "sets:\n- {name: new, project: acme-shop, environment: dev, path: /my-secrets, connection: my-devin-connection}\n"
LOOSEN = "syncs.loosen_approval"
# What is done by a document and a wish, and each right that it takes.
TAKES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "made": (NEW, {}, {"syncs.add_devinsync", "connections.use_connection", "vault.reveal_secret"}),
    "of others": (
        f"{HEAD}  exceptions: [Beta]\n", {}, {"connections.use_connection", "vault.reveal_secret"},
    ),
    "removing": (f"{HEAD}  when_left: remove\n", {}, {"syncs.remove_secrets"}),
    "less approval": (f"{HEAD}  approval: none\n", {}, {"syncs.change_devinsync", LOOSEN}),
    "paused for one": (
        f"{HEAD}  overrides: [{{org_id: org-beta, is_enabled: false}}]\n", {}, {"syncs.change_devinsync"},
    ),
    "deleted": ("sets: []\n", {"prune": True}, {"syncs.delete_devinsync", LOOSEN}),
    "deleted with its secrets": (
        "sets: []\n", {"prune": True, "remove_secrets": True}, {"syncs.delete_devinsync", "syncs.remove_secrets"},
    ),
}  # fmt: skip


@pytest.fixture
def each(folder: Folder, connection: Connection) -> SyncSet:
    take_over(connection, [RemoteOrganization("org-acme", "Acme"), RemoteOrganization("org-beta", "Beta")])
    project = folder.environment.project
    made = create_set(
        SyncSet(name="core", project=project, folder=folder, connection=connection, approval="deletions"), by=CONSOLE
    )
    generate(made.pk)
    return made


@pytest.fixture
def user(db: None) -> User:
    """With every right that a document of sets may take."""
    user = User.objects.create_user("somebody")
    for name in RIGHTS | {LOOSEN}:
        label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return user


def body_of(document: str, wishes: dict[str, Any]) -> dict[str, Any]:
    """A connection that goes along would take rights of its own."""
    kept = "connections: [{name: my-devin-connection}]\n"
    confirmed = ["sync set acme-shop/core"] if wishes else []
    sent = {"removeSecrets" if name == "remove_secrets" else name: value for name, value in wishes.items()}
    return {"document": kept + document, "confirmedDeletions": confirmed} | sent


@pytest.mark.parametrize("name", TAKES)
def test_each_right_of_its_own_routes_is_taken(each: SyncSet, user: User, name: str) -> None:
    document, wishes, rights = TAKES[name]
    before = describe_all()
    for lacking in sorted(rights):
        permission = Permission.objects.get(
            content_type__app_label=lacking.split(".")[0], codename=lacking.split(".")[1]
        )
        user.user_permissions.remove(permission)
        answer = make_caller(user).post(f"{BASE}/apply", body_of(document, wishes), status=403)
        assert lacking in answer["message"]
        user.user_permissions.add(permission)
    assert describe_all() == before

    assert make_caller(user).post(f"{BASE}/apply", body_of(document, wishes))["applied"]


def test_a_token_leaves_no_more_than_its_scopes(each: SyncSet, user: User) -> None:
    document, wishes, _ = TAKES["of others"]
    scopes = [scope for scope in SCOPES if scope != "connections:use"]

    answer = make_caller(user, scopes=scopes).post(f"{BASE}/apply", body_of(document, wishes), status=403)

    assert "connections.use_connection" in answer["message"]


def test_only_what_was_confirmed_is_deleted(administrator: Caller, each: SyncSet) -> None:
    body = {"document": "sets: []\n", "prune": True}

    planned = administrator.post(f"{BASE}/plan", body)
    assert ("delete", "sync set", "acme-shop/core") in actions(planned)
    assert planned["differences"][0]["fields"] == [{"name": "syncs", "now": 2, "wanted": 0}]
    refused = administrator.post(f"{BASE}/apply", body, status=400)
    assert "sync set acme-shop/core" in refused["message"]
    confirmed = [f"{kind} {name}" for _, kind, name in actions(planned)]
    administrator.post(f"{BASE}/apply", body | {"confirmedDeletions": confirmed})

    assert not SyncSet.objects.exists()
    assert not DevinSync.objects.exists()


def test_what_was_exported_is_no_change_and_is_told_to_those_alone_who_see_it(
    viewer: Caller, each: SyncSet, user: User
) -> None:
    document = viewer.get(BASE)["document"]

    assert [told["name"] for told in document["sets"]] == ["core"]
    assert viewer.post(f"{BASE}/plan", {"document": yaml.safe_dump(document), "prune": True})["differences"] == []
    stranger = User.objects.create_user("stranger")
    assert describe_all(seen_by=stranger)["sets"] == []
