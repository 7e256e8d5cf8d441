"""May somebody do something at a place: by installation-wide rights, by memberships, by neither."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test.utils import CaptureQueriesContext

from tests.actors import ANYBODY
from tests.vault.access.conftest import MemberOf
from vault import editing
from vault.access import Place, can, can_somewhere, can_within, forget_grants
from vault.access.models import Membership
from vault.access.roles import DESCRIPTIONS, RIGHTS, Role
from vault.models import Project

SEE, WRITE, REVEAL, MANAGE = "vault.view_secret", "vault.change_secret", "vault.reveal_secret", "vault.add_membership"

# Role, environments, paths; a permission; where (environment, path); whether it may.
CASES = {
    "a viewer sees everywhere in the project": ("viewer", (), (), SEE, ("dev", "/app"), True),
    "a viewer sees the whole project": ("viewer", (), (), SEE, (None, None), True),
    "a viewer writes nowhere": ("viewer", (), (), WRITE, ("dev", "/app"), False),
    "a viewer reads no value": ("viewer", (), (), REVEAL, ("dev", "/app"), False),
    "an operator starts runs": ("operator", (), (), "syncs.run_devinsync", ("dev", "/"), True),
    "an operator writes nothing": ("operator", (), (), WRITE, ("dev", "/"), False),
    "an editor writes": ("editor", (), (), WRITE, ("prod", "/"), True),
    "an editor reads no value": ("editor", (), (), REVEAL, ("prod", "/"), False),
    "an editor touches no environment": ("editor", (), (), "vault.change_environment", ("prod", None), False),
    "an editor names no member": ("editor", (), (), MANAGE, (None, None), False),
    "a reader reads values": ("reader", (), (), REVEAL, ("prod", "/"), True),
    "a reader writes nothing": ("reader", (), (), WRITE, ("prod", "/"), False),
    "a manager names members": ("manager", (), (), MANAGE, (None, None), True),
    "a manager reads no value": ("manager", (), (), REVEAL, ("dev", "/"), False),
    "a manager deletes no project": ("manager", (), (), "vault.delete_project", (None, None), False),
    "in the environment of the limit": ("editor", ("dev",), (), WRITE, ("dev", "/any"), True),
    "all of the environment of the limit": ("editor", ("dev",), (), WRITE, ("dev", None), True),
    "not in another environment": ("editor", ("dev",), (), WRITE, ("prod", "/any"), False),
    "not in the whole project": ("editor", ("dev",), (), WRITE, (None, None), False),
    "at the folder of the limit": ("editor", (), ("/app",), WRITE, ("dev", "/app"), True),
    "below the folder of the limit": ("editor", (), ("/app",), WRITE, ("prod", "/app/db"), True),
    "not above it": ("editor", (), ("/app",), WRITE, ("dev", "/"), False),
    "not in the whole environment": ("editor", (), ("/app",), WRITE, ("dev", None), False),
    "not beside it, though it begins alike": ("editor", (), ("/app",), WRITE, ("dev", "/apple"), False),
    "not with other letters": ("editor", (), ("/app",), WRITE, ("dev", "/App"), False),
    "at one of several": ("editor", (), ("/app", "/ci"), WRITE, ("dev", "/ci"), True),
    "within both limits": ("reader", ("prod",), ("/app",), REVEAL, ("prod", "/app"), True),
    "outside of one of both": ("reader", ("prod",), ("/app",), REVEAL, ("dev", "/app"), False),
    "the root is everything": ("editor", (), ("/",), WRITE, (None, None), True),
    "the name of the project": ("viewer", ("dev",), ("/app",), "vault.view_project", (None, None), True),
    "the name of its environment": ("viewer", ("dev",), ("/app",), "vault.view_environment", ("dev", None), True),
    "not of the others": ("viewer", ("dev",), ("/app",), "vault.view_environment", ("prod", None), False),
}


def test_a_membership_gives_its_role_where_it_holds(project: Project, member_of: MemberOf) -> None:
    for number, (case, (role, environments, paths, permission, where, expected)) in enumerate(CASES.items()):
        user = member_of(f"user-{number}", role, environments, paths)

        assert can(user, permission, Place(project.pk, *where)) is expected, case


def test_it_gives_nothing_elsewhere(project: Project, member_of: MemberOf) -> None:
    user = member_of("mia", Role.MANAGER)
    other = editing.create_project(name="Other", by=ANYBODY)

    for place in (Place(other.pk), Place(other.pk, "dev", "/"), Place()):
        assert not any(can(user, right, place) for rights in RIGHTS.values() for right in rights), str(place)
    assert not any(user.has_perm(right) for rights in RIGHTS.values() for right in rights)


def test_memberships_add_up_and_come_by_groups_too(project: Project, member_of: MemberOf) -> None:
    user = member_of("mia", Role.EDITOR, ("dev",))
    team = Group.objects.create(name="Team")
    user.groups.add(team)
    Membership.objects.create(project=project, group=team, role=Role.READER, environments=["prod"])

    assert can(user, WRITE, Place(project.pk, "dev", "/"))
    assert can(user, REVEAL, Place(project.pk, "prod", "/"))
    assert not can(user, REVEAL, Place(project.pk, "dev", "/"))
    assert not can(user, WRITE, Place(project.pk, "prod", "/"))


def test_an_installation_wide_right_counts_everywhere(project: Project, alice: User) -> None:
    alice.user_permissions.add(Permission.objects.get(codename="change_secret", content_type__app_label="vault"))

    assert can(alice, WRITE, Place(project.pk, "dev", "/"))
    assert can(alice, WRITE, Place())
    assert can_somewhere(alice, WRITE)
    assert not can_somewhere(alice, SEE)


def test_nobody_and_the_inactive_may_nothing(project: Project, member_of: MemberOf) -> None:
    user = member_of("mia", Role.MANAGER)
    user.is_active = False
    user.save()

    for each in (User.objects.get(pk=user.pk), AnonymousUser()):
        assert not can(each, SEE, Place(project.pk))
        assert not can_somewhere(each, SEE)


def test_a_part_of_a_place_is_not_the_place(project: Project, member_of: MemberOf) -> None:
    user = member_of("mia", Role.VIEWER, ("dev",), ("/app/db",))

    assert can_within(user, SEE, Place(project.pk, "dev", "/app"))
    assert can_within(user, SEE, Place(project.pk))
    assert not can_within(user, SEE, Place(project.pk, "dev", "/apple"))
    assert not can_within(user, SEE, Place(project.pk, "prod"))


def test_asks_the_database_once_for_a_user(
    project: Project, member_of: MemberOf, django_assert_num_queries: object
) -> None:
    user = member_of("mia", Role.VIEWER)
    assert callable(django_assert_num_queries)
    can(user, SEE, Place(project.pk))

    with django_assert_num_queries(0) as counted:
        assert isinstance(counted, CaptureQueriesContext)
        can(user, WRITE, Place(project.pk, "dev", "/app"))
        can_somewhere(user, REVEAL)

    Membership.objects.all().delete()
    forget_grants(user)
    assert not can(user, SEE, Place(project.pk))


def test_the_table_names_rights_that_there_are(db: None) -> None:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    there = {f"{app}.{codename}" for app, codename in rows}

    assert set().union(*RIGHTS.values()) <= there
    assert set(RIGHTS) == set(DESCRIPTIONS) == set(Role)


@pytest.mark.parametrize(
    ("field", "limits"),
    [
        ("environments", ["Dev"]),
        ("environments", "dev"),
        ("environments", [1]),
        ("paths", ["/app/"]),
        ("paths", ["app"]),
        ("paths", ["/a b"]),
        ("paths", ["/../etc"]),
        ("paths", ["/x"] * 101),
    ],
)
def test_limits_are_places_in_their_one_spelling(alice: User, project: Project, field: str, limits: object) -> None:
    row = Membership(project=project, user=alice, role=Role.VIEWER, **{field: limits})

    with pytest.raises(ValidationError) as refused:
        row.full_clean()

    assert set(refused.value.message_dict) == {field}


def test_a_membership_is_of_one(alice: User, project: Project) -> None:
    group = Group.objects.create(name="Team")

    for whose in ({}, {"user": alice, "group": group}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(project=project, role=Role.VIEWER, **whose)
