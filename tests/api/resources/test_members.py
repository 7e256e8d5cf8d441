"""The API of a project's members: people, machine identities and groups, and nobody gives more than they have."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, VIEWER
from api.models import ApiToken, MachineIdentity
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from vault import editing
from vault.access.models import Membership
from vault.models import Project

pytestmark = pytest.mark.django_db
NOBODYS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def shop() -> Project:
    return editing.create_project(name="Shop", by=ANYBODY)


@pytest.fixture
def identity() -> MachineIdentity:
    identity = MachineIdentity(name="Deployer", role=Group.objects.create(name="Nothing"))
    identity.save()
    return identity


@pytest.fixture
def group() -> Group:
    return Group.objects.create(name="Payments")


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def member(project: Project, *roles: str, scopes: tuple[str, ...] = (), environments: tuple[str, ...] = ()) -> Caller:
    user = User.objects.create_user("-".join(("max", *roles, *scopes)))
    for role in roles:
        Membership.objects.create(project=project, user=user, role=role, environments=list(environments))
    return Caller(ApiToken.issue(user, "token", scopes=list(scopes))[1])


def rows_of(project: Project) -> list[tuple[str, list[str], list[str]]]:
    rows = Membership.objects.filter(project=project).exclude(user__username__startswith="max").order_by("role")
    return [(row.role, row.environments, row.paths) for row in rows]


def details() -> list[str]:
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


def test_people_come_change_and_go(shop: Project, alice: User) -> None:
    manager, base = member(shop, "manager"), f"/api/v1/projects/{shop.pk}/memberships"

    (added,) = manager.post(base, {"usernames": ["alice"], "roleSlugs": ["viewer"]})["memberships"]

    assert added["user"] == {"id": str(alice.pk), "username": "alice"}
    assert [one["role"] for one in added["roles"]] == ["viewer"]
    assert "alice" in [one["user"]["username"] for one in manager.get(base)["memberships"]]
    roles = [{"role": "editor", "environments": ["dev"], "paths": ["/app/", "/app"]}, {"role": "operator"}]
    changed = manager.patch(f"{base}/{added['id']}", {"roles": roles})["membership"]
    assert rows_of(shop) == [("editor", ["dev"], ["/app"]), ("operator", [], [])]
    assert changed["id"] == added["id"]
    for one in changed["roles"]:
        assert manager.get(f"{base}/{one['id']}")["membership"] == changed
    assert manager.patch(f"{base}/{added['id']}", {"roles": roles})["membership"] == changed
    assert manager.delete(f"{base}/{added['id']}")["membership"] == changed
    manager.get(f"{base}/{added['id']}", status=404)
    assert [detail.partition(" through ")[0] for detail in details()] == [
        "Alice is now Viewer of Shop, in all environments",
        "Alice is now Operator of Shop, in all environments",
        "Alice is now Editor of Shop, in dev, below /app",
        "Alice is no longer Editor of Shop, in dev, below /app",
        "Alice is no longer Operator of Shop, in all environments",
    ]


@pytest.mark.parametrize("kind", ["identities", "older", "groups"])
def test_identities_and_groups_come_change_and_go(
    shop: Project, identity: MachineIdentity, group: Group, kind: str
) -> None:
    manager, name = member(shop, "manager"), "groupMembership" if kind == "groups" else "identityMembership"
    base = {
        "identities": f"/api/v1/projects/{shop.pk}/memberships/identities",
        "older": f"/api/v2/workspace/{shop.pk}/identity-memberships",
        "groups": f"/api/v1/projects/{shop.pk}/memberships/groups",
    }[kind]
    one = f"{base}/{group.name if kind == 'groups' else identity.pk}"

    manager.get(one, status=404)
    made = manager.post(one, {"role": "viewer"})[name]

    assert {"id", "projectId", "createdAt", "updatedAt"} <= made.keys()
    assert made.get("identityId", str(identity.pk)) == str(identity.pk)
    assert manager.get(one)[name] == made
    assert manager.get(base)[f"{name}s"] == [made]
    assert "already" in manager.post(one, {"role": "editor"}, status=400)["message"]
    manager.patch(one, {"roles": [{"role": "editor", "paths": ["/ci"]}]})
    assert rows_of(shop) == [("editor", [], ["/ci"])]
    manager.delete(one)
    assert rows_of(shop) == []
    assert manager.get(base)[f"{name}s"] == []
    manager.delete(one, status=404)


ATTEMPTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, Any], int]] = {
    # Roles and environments of who asks, what they would give, the answer.
    "what they may not do themselves": (("manager",), (), {"role": "reader"}, 403),
    "what they may": (("manager", "reader"), (), {"role": "reader"}, 200),
    "beyond their environment": (("manager",), ("dev",), {"role": "viewer"}, 403),
    "in their environment": (("manager",), ("dev",), {"role": "viewer", "environments": ["dev"]}, 403),
    "by an editor": (("editor",), (), {"role": "viewer"}, 403),
    "by nobody": ((), (), {"role": "viewer"}, 403),
    "an unknown role": (("manager",), (), {"role": "no-access"}, 422),
    "an unknown environment": (("manager",), (), {"role": "viewer", "environments": ["nowhere"]}, 422),
    "no path": (("manager",), (), {"role": "viewer", "paths": ["a//../b"]}, 422),
    "for a time": (("manager",), (), {"role": "viewer", "isTemporary": True}, 422),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nobody_gives_more_than_they_have(
    shop: Project, identity: MachineIdentity, group: Group, alice: User, name: str
) -> None:
    roles, environments, given, status = ATTEMPTS[name]
    caller, base = member(shop, *roles, environments=environments), f"/api/v1/projects/{shop.pk}/memberships"

    caller.post(base, {"usernames": ["alice"], "roles": [given]}, status=status)
    for one in (f"identities/{identity.pk}", f"groups/{group.name}"):
        caller.post(f"{base}/{one}", {"roles": [given]}, status=status)
    assert len(rows_of(shop)) == (3 if status == 200 else 0)


def test_nobody_is_raised_to_more_than_they_give(shop: Project, alice: User) -> None:
    """Neither a role that is there nor a part of what is sent with it."""
    manager, base = member(shop, "manager"), f"/api/v1/projects/{shop.pk}/memberships"
    row = Membership.objects.create(project=shop, user=alice, role="viewer")

    manager.patch(f"{base}/{row.pk}", {"roles": [{"role": "editor"}, {"role": "reader"}]}, status=403)
    manager.post(base, {"usernames": ["alice", "nobody"], "roleSlugs": ["viewer"]}, status=400)

    assert rows_of(shop) == [("viewer", [], [])]
    assert details() == []


SCOPED: dict[str, tuple[tuple[str, ...], str, int]] = {
    "without scopes": ((), "editor", 200),
    "to write the vault": (("vault:write", "vault:read"), "viewer", 403),
    "to see members": (("members:read",), "viewer", 403),
    "to write members alone": (("members:read", "members:write"), "viewer", 403),
    "to write members and see": (
        ("members:read", "members:write", "vault:read", "syncs:read", "connections:read"),
        "viewer",
        200,
    ),
}


@pytest.mark.parametrize("name", SCOPED)
def test_a_token_gives_what_its_scopes_leave(shop: Project, alice: User, name: str) -> None:
    scopes, role, status = SCOPED[name]
    manager = member(shop, "manager", scopes=scopes)

    base = f"/api/v1/projects/{shop.pk}/memberships"
    manager.post(base, {"usernames": ["alice"], "roleSlugs": [role]}, status=status)
    manager.get(base, status=200 if not scopes or "members:read" in scopes else 403)


def test_members_of_another_project_are_not_there(shop: Project, identity: MachineIdentity, group: Group) -> None:
    manager, other = member(shop, "manager"), editing.create_project(name="Other", by=ANYBODY)
    holders: tuple[dict[str, Any], ...] = ({"group": group}, {"user": identity.user})
    hidden = [Membership.objects.create(project=other, role="viewer", **each) for each in holders]
    theirs = Membership.objects.create(project=other, role="viewer", user=User.objects.create_user("eve"))

    for project in (str(other.pk), NOBODYS):
        base = f"/api/v1/projects/{project}/memberships"
        own_address = (f"/{theirs.pk}", f"/identities/{identity.pk}", f"/groups/{group.name}")
        for one in ("", "/identities", "/groups", *own_address):
            told = manager.get(f"{base}{one}", status=404)["message"]
            assert told == f"There is no project with the ID {project}."
    own = f"/api/v1/projects/{shop.pk}/memberships"
    for row in (*hidden, theirs):
        for method, body in (("GET", None), ("PATCH", {"roles": [{"role": "viewer"}]}), ("DELETE", None)):
            manager.ask(method, f"{own}/{row.pk}", body, status=404)
    for one in (f"identities/{identity.pk}", f"identities/{NOBODYS}", f"groups/{group.name}", "groups/none"):
        assert "is no member" in manager.get(f"{own}/{one}", status=404)["message"]
    assert Membership.objects.filter(project=other).count() == 3


def test_a_manager_of_a_part_sees_the_members_and_changes_none(shop: Project, alice: User) -> None:
    row = Membership.objects.create(project=shop, user=alice, role="viewer")
    part, base = member(shop, "manager", environments=("dev",)), f"/api/v1/projects/{shop.pk}/memberships"

    assert len(part.get(base)["memberships"]) == 2
    part.delete(f"{base}/{row.pk}", status=403)
    assert rows_of(shop) == [("viewer", [], [])]


def test_a_manager_of_a_part_reads_nothing_of_the_rest_by_who_is_a_member_there(
    shop: Project, alice: User, identity: MachineIdentity, group: Group, client: Client
) -> None:
    def let_in(*, environments: tuple[str, ...] = (), paths: tuple[str, ...] = (), **whom: Any) -> Membership:
        limits = {"environments": list(environments), "paths": list(paths)}
        return Membership.objects.create(project=shop, role="viewer", **limits, **whom)

    hidden = let_in(user=User.objects.create_user("kim"), environments=("prod",))
    let_in(user=identity.user, environments=("dev",), paths=("/far",))
    let_in(group=group, paths=("/far",))
    let_in(user=alice, environments=("dev",), paths=("/app/db",))
    part, base = member(shop, "manager", environments=("dev",)), f"/api/v1/projects/{shop.pk}/memberships"
    Membership.objects.filter(role="manager").update(paths=["/app"])
    User.objects.update(is_staff=True)
    client.force_login(User.objects.get(username="max-manager"))

    told = [str(part.get(f"{base}{kind}")) for kind in ("", "/identities", "/groups")]
    told.append(client.get(reverse("admin:vault_members", args=[shop.pk])).content.decode())
    for one in (hidden.pk, f"identities/{identity.pk}", f"groups/{group.name}"):
        told.append(str(part.get(f"{base}/{one}", status=404)))

    assert [each for each in told if "prod" in each or "/far" in each] == []
    assert "alice" in told[0]
    assert "3 more hold only where" in told[3]


def test_a_manager_elsewhere_is_here_what_they_are_here(shop: Project, alice: User, identity: MachineIdentity) -> None:
    other = editing.create_project(name="Other", by=ANYBODY)
    caller, base = member(other, "manager"), f"/api/v1/projects/{shop.pk}/memberships"
    Membership.objects.create(project=shop, user=User.objects.get(username="max-manager"), role="viewer")
    known = Membership.objects.create(project=shop, user=alice, role="viewer")
    before = rows_of(shop)

    for path in (base, f"{base}/{known.pk}", f"{base}/identities", f"{base}/groups"):
        assert "view_membership" in caller.get(path, status=403)["message"]
    caller.post(base, {"usernames": ["alice"], "roleSlugs": ["viewer"]}, status=403)
    caller.post(f"{base}/identities/{identity.pk}", {"role": "viewer"}, status=403)
    caller.patch(f"{base}/{known.pk}", {"roles": [{"role": "operator"}]}, status=403)
    caller.delete(f"{base}/{known.pk}", status=403)
    assert rows_of(shop) == before


def test_rights_in_the_whole_installation_count(shop: Project, alice: User) -> None:
    base = f"/api/v1/projects/{shop.pk}/memberships"

    make_caller(make_user("root", ADMINISTRATOR)).post(base, {"usernames": ["alice"], "roleSlugs": ["manager"]})
    eye = make_caller(make_user("eye", VIEWER))
    assert len(eye.get(base)["memberships"]) == 1
    eye.post(base, {"usernames": ["root"], "roleSlugs": ["viewer"]}, status=403)
    assert rows_of(shop) == [("manager", [], [])]
