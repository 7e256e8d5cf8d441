"""The page of a project's members: nobody gives more than they have, and a manager is one in their project alone."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.access.conftest import MemberOf
from tests.vault.test_trash_pages import text_of
from vault import editing
from vault.access import Place, can
from vault.access.models import Membership
from vault.models import Project


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[row.pk])


@pytest.fixture
def manager(client: Client, project: Project, member_of: MemberOf) -> Client:
    client.force_login(member_of("max", "manager"))
    return client


def test_adds_changes_and_removes(manager: Client, project: Project, alice: User) -> None:
    sent = {"kind": "person", "name": "alice", "role": "editor", "environments": "dev", "paths": "/app, ci/"}

    added = manager.post(url("member_add", project), sent, follow=True)
    assert "Alice is now Editor of Shop, in dev, below /app, /ci." in text_of(added)
    row = Membership.objects.get(user=alice)
    assert (row.role, row.environments, row.paths) == ("editor", ["dev"], ["/app", "/ci"])

    manager.post(url("member_edit", row), {"role": "viewer"})
    row.refresh_from_db()
    assert (row.role, row.environments, row.paths) == ("viewer", [], [])

    assert "would no longer be" in text_of(manager.get(url("member_remove", row)))
    assert Membership.objects.filter(user=alice).exists()
    manager.post(url("member_remove", row))
    assert not Membership.objects.filter(user=alice).exists()
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [1, 2, 3]


def test_groups_and_identities_are_members_too(manager: Client, project: Project) -> None:
    team = Group.objects.create(name="Team")
    identity = User.objects.create_user("identity-1", last_name="Deployer")
    for kind, name in (("group", "Team"), ("machine", "Deployer")):
        manager.post(url("member_add", project), {"kind": kind, "name": name, "role": "viewer"})

    shown = text_of(manager.get(url("members", project)))
    assert Membership.objects.filter(group=team).exists()
    assert can(identity, "vault.view_secret", Place(project.pk))
    assert "group Team" in shown
    assert "machine identity Deployer" in shown


def test_a_person_does_not_pass_for_a_machine_identity(manager: Client, project: Project) -> None:
    User.objects.create_user("identity-0", last_name="Deployer", is_staff=True)
    sent = {"kind": "machine", "name": "Deployer", "role": "viewer"}

    assert "nobody of this name" in text_of(manager.post(url("member_add", project), sent))

    identity = User.objects.create_user("identity-1", last_name="Deployer")
    manager.post(url("member_add", project), sent)
    assert list(Membership.objects.filter(role="viewer").values_list("user", flat=True)) == [identity.pk]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"role": "reader"}, "vault.reveal_secret in the whole project"),
        ({"role": "reader", "environments": "dev"}, "vault.reveal_secret in dev:/"),
        ({"role": "owner"}, "not one of the available choices"),
        ({"role": "viewer", "environments": "live"}, "no environment live"),
        ({"role": "viewer", "paths": "/a b"}, "letters, digits"),
        ({"role": "viewer", "name": "nobody"}, "nobody of this name"),
        ({"role": "viewer", "name": "identity-x"}, "nobody of this name"),
    ],
)
def test_refuses_at_the_field(manager: Client, project: Project, alice: User, sent: dict[str, str], said: str) -> None:
    User.objects.create_user("identity-x")

    answer = manager.post(url("member_add", project), {"kind": "person", "name": "alice", **sent})

    assert said in text_of(answer)
    assert not Membership.objects.exclude(user__username="max").exists()


def test_who_has_it_only_in_a_part_gives_it_there_alone(
    manager: Client, project: Project, alice: User, member_of: MemberOf
) -> None:
    member_of("max", "reader", ("dev",), ("/app",))
    sent = {"kind": "person", "name": "alice", "role": "reader", "environments": "dev"}

    manager.post(url("member_add", project), {**sent, "paths": "/"})
    manager.post(url("member_add", project), {**sent, "environments": "dev,prod", "paths": "/app"})
    assert not Membership.objects.filter(user=alice).exists()

    manager.post(url("member_add", project), {**sent, "paths": "/app/db"})
    assert Membership.objects.get(user=alice).paths == ["/app/db"]


@pytest.mark.parametrize(
    "terms", [("viewer", ()), ("editor", ()), ("reader", ()), ("operator", ()), ("manager", ("dev",))]
)
def test_others_change_no_member(
    client: Client, project: Project, member_of: MemberOf, terms: tuple[str, tuple[str, ...]]
) -> None:
    role, environments = terms
    client.force_login(member_of("mallory", role, environments))
    mine = Membership.objects.get(user__username="mallory")

    posts = [
        client.post(url("member_add", project), {"kind": "person", "name": "mallory", "role": "manager"}),
        client.post(url("member_edit", mine), {"role": "manager"}),
        client.post(url("member_remove", mine)),
    ]

    assert {answer.status_code for answer in posts} <= {403, 404}
    assert list(Membership.objects.values_list("role", "environments")) == [(role, list(environments))]


def test_a_manager_is_none_of_another_project(manager: Client, alice: User) -> None:
    other = editing.create_project(name="Other", by=ANYBODY)
    row = Membership.objects.create(project=other, user=alice, role="viewer")

    for name, of in (("members", other), ("member_add", other), ("member_edit", row), ("member_remove", row)):
        assert manager.get(url(name, of)).status_code == 404
        assert manager.post(url(name, of), {"kind": "person", "name": "max", "role": "manager"}).status_code == 404
    assert Membership.objects.filter(project=other).count() == 1
    for name in ("auth_user_add", "auth_group_add", "auth_user_changelist"):
        assert manager.get(reverse(f"admin:{name}")).status_code == 403


def test_the_last_manager_may_leave(manager: Client, admin_client: Client, project: Project) -> None:
    row = Membership.objects.get()

    manager.post(url("member_remove", row))

    assert manager.get(url("members", project)).status_code in (403, 404)
    assert "No members yet" in text_of(admin_client.get(url("members", project)))
