"""The page of a project's members: nobody gives more than they have, and a manager is one in their project alone."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from connections.models import Connection
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.vault.access.conftest import MemberOf
from tests.vault.test_trash_pages import text_of
from vault import editing
from vault.access import Place, can
from vault.access.models import Membership
from vault.editing import Actor
from vault.errors import InUse, NotAllowed
from vault.models import Folder, Project


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


def test_a_slug_gives_nobody_more_than_they_have(project: Project, member_of: MemberOf) -> None:
    """Who manages all and reads the values of dev does not read prod by calling it dev."""
    member_of("max", "manager")
    max_ = Actor.by_person(member_of("max", "reader", ("dev",), ("/app",)))
    dev, prod = (project.environments.get(slug=slug) for slug in ("dev", "prod"))
    editing.update_environment(dev, slug="old", by=max_)

    with pytest.raises(NotAllowed, match=r"vault\.reveal_secret") as caught:
        editing.update_environment(prod, slug="dev", by=max_)

    assert caught.value.field == "slug"
    assert project.environments.filter(slug="prod").exists()
    assert editing.update_environment(prod, slug="live", by=max_).slug == "live"
    # Whoever has all that the role gives there may.
    assert editing.update_environment(prod, slug="dev", by=ANYBODY).slug == "dev"


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


def test_the_page_of_a_person_lists_their_memberships(project: Project, member_of: MemberOf, client: Client) -> None:
    mia, team = member_of("mia", "editor", ("dev",), ("/app",)), Group.objects.create(name="Team")
    mia.groups.add(team)
    other = editing.create_project(name="Other", by=ANYBODY)
    Membership.objects.create(project=other, group=team, role="viewer")
    page = reverse("admin:auth_user_change", args=[mia.pk])
    client.force_login(User.objects.create_superuser("root"))

    content = client.get(page).content.decode()

    links = [url("members", row) for row in (project, other)]
    for shown in ("Editor", "dev, below /app", "the group Team", "themselves", *links):
        assert shown in content, shown
    looks = member_of("looks", "manager")
    looks.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(User.objects.get(pk=looks.pk))
    content = client.get(page).content.decode()
    assert url("members", project) in content
    assert "Other" not in content
    assert "And 1 in" in content
    page = reverse("admin:auth_user_change", args=[User.objects.create_user("alone").pk])
    assert "Of no project" in client.get(page).content.decode()


def test_who_is_in_no_project_is_told_whom_to_ask(client: Client, db: None) -> None:
    nobody = User.objects.create_user("nobody", is_staff=True)
    client.force_login(nobody)

    refused = client.get(reverse("admin:vault_project_changelist"))
    assert refused.status_code == 403
    assert "Ask an administrator, or a manager of the project" in text_of(refused)
    nobody.user_permissions.add(Permission.objects.get(codename="view_project"))
    shown = text_of(client.get(reverse("admin:vault_project_changelist")))
    assert "a manager of a project to make you a member" in shown


def test_a_refusal_to_delete_a_project_counts_the_syncs_that_one_may_not_see(project: Project, client: Client) -> None:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key("cog_key")
    connection.save()
    folder = Folder.objects.filter(environment__project=project)[0]
    DevinSync.objects.create(name="whispers", project=project, folder=folder, connection=connection, org_id="org-1")
    ida = User.objects.create_user("ida", is_staff=True)
    ida.user_permissions.set(Permission.objects.filter(content_type__app_label="vault"))
    client.force_login(ida)

    shown = text_of(client.get(reverse("admin:vault_project_delete", args=[project.pk])))
    caller = Caller(ApiToken.issue(ida, "token")[1])
    told = [shown, caller.delete(f"/api/v1/projects/{project.pk}", status=400)["message"]]
    with pytest.raises(InUse) as refused:
        editing.delete_project(project, by=Actor.by_person(User.objects.get(pk=ida.pk)))

    for each in (*told, refused.value.message):
        assert "that you may not see" in each
        assert "whispers" not in each
