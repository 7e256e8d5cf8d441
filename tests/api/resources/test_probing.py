"""Whoever may change a sync or a set, and no more, learns by no guess what else there is."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from fleets.models import Member, SyncSet
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from tests.api.resources.test_sync_sets import ALL, SETS, SYNCS, Make, body, devin_lists, make  # noqa: F401
from vault.access.models import Membership
from vault.editing import create_folder
from vault.models import Folder

pytestmark = pytest.mark.usefixtures("queue")
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


def test_nobody_loses_secrets_by_whoever_may_not_remove_any(make: Make) -> None:  # noqa: F811
    made = make(destinationConfig=ALL | {"whenLeft": "remove"})
    caller = caller_with(*SENDS)
    leaving = {"destinationConfig": ALL | {"whenLeft": "remove", "exceptions": ["*"]}}

    told = caller.patch(f"{SETS}/{made['id']}", leaving, status=403)["message"]

    assert "syncs.remove_secrets" in told or "syncs.delete_devinsync" in told
    assert not Member.objects.filter(state="left").exists()
    caller.patch(f"{SETS}/{made['id']}", {"description": "as before"})
    assert SyncSet.objects.get().description == "as before"
