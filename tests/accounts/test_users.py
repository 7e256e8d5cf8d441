"""Editing users is no way to more rights than one's own."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from accounts.roles import BUILT_IN_GROUPS

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(somebody: Callable[..., User]) -> User:
    return somebody("Administrator", name="alice")


@pytest.fixture
def root(somebody: Callable[..., User]) -> User:
    return somebody(name="root", is_superuser=True)


def test_an_administrator_cannot_make_a_superuser(administrator: User, signed_in: Callable[[User], Client]) -> None:
    form = {"username": "alice", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    response = signed_in(administrator).post(f"/admin/auth/user/{administrator.pk}/change/", form)

    assert response.status_code == 302
    administrator.refresh_from_db()
    assert not administrator.is_superuser


def test_an_administrator_cannot_touch_a_superuser(
    administrator: User, root: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(administrator)

    assert 'name="_save"' not in client.get(f"/admin/auth/user/{root.pk}/change/").content.decode()
    assert client.post(f"/admin/auth/user/{root.pk}/change/", {"username": "mine"}).status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/password/", {}).status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403


def test_deleting_several_users_spares_superusers(
    administrator: User, root: User, signed_in: Callable[[User], Client]
) -> None:
    form = {"action": "delete_selected", "_selected_action": [str(root.pk)], "post": "yes"}

    signed_in(administrator).post("/admin/auth/user/", form)

    assert User.objects.filter(pk=root.pk).exists()


@pytest.fixture
def helper(somebody: Callable[..., User]) -> User:
    """May edit users and groups, and nothing else."""
    group = Group.objects.create(name="Help desk")
    group.permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    return somebody("Help desk", name="helen")


def test_nobody_joins_a_group_that_may_do_more(helper: User, signed_in: Callable[[User], Client]) -> None:
    group = Group.objects.get(name="Administrator")
    form = {"username": "helen", "is_active": "on", "is_staff": "on", "groups": [group.pk]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    signed_in(helper).post(f"/admin/auth/user/{helper.pk}/change/", form)

    assert not helper.groups.filter(pk=group.pk).exists()


def test_nobody_gives_a_group_more_than_they_have(helper: User, signed_in: Callable[[User], Client]) -> None:
    group = Group.objects.get(name="Help desk")
    reveal = Permission.objects.get(codename="reveal_secret")

    signed_in(helper).post(f"/admin/auth/group/{group.pk}/change/", {"name": group.name, "permissions": [reveal.pk]})
    signed_in(helper).post("/admin/auth/group/add/", {"name": "Mine", "permissions": [reveal.pk]})

    assert not Group.objects.filter(permissions=reveal).exclude(name__in=BUILT_IN_GROUPS).exists()


def test_nobody_touches_who_may_do_more(helper: User, administrator: User, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(helper)

    for page in ("change", "password", "delete"):
        assert client.post(f"/admin/auth/user/{administrator.pk}/{page}/", {"post": "yes"}).status_code == 403


def test_administrators_manage_each_other(
    administrator: User, somebody: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    bob = somebody("Administrator", name="bob")
    form = {"username": "bob", "is_active": "on", "groups": [Group.objects.get(name="Viewer").pk]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    signed_in(administrator).post(f"/admin/auth/user/{bob.pk}/change/", form)

    assert [group.name for group in bob.groups.all()] == ["Viewer"]


def test_a_new_user_may_log_in_unless_one_says_otherwise(admin_client: Client) -> None:
    page = admin_client.get("/admin/auth/user/add/").content.decode()

    assert re.search(r'<input type="checkbox" name="is_staff"[^>]* checked', page)
    assert "May log in" in page


def test_what_goes_with_a_person_is_counted(root: User, signed_in: Callable[[User], Client]) -> None:
    user = User.objects.create_user("leaves")
    groups = [Group.objects.create(name=f"group {number}") for number in range(3)]
    user.groups.set(groups)
    client = signed_in(root)

    page = client.get(f"/admin/auth/user/{user.pk}/delete/").content.decode()

    assert "3 user-group relationships" in page
    assert "group 1" not in page
    client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=user.pk).exists()
