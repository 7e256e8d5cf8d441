"""Editing users is no way to more rights than one's own."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(somebody: Callable[..., User]) -> User:
    return somebody("Administrator", name="alice")


@pytest.fixture
def root(somebody: Callable[..., User]) -> User:
    return somebody(name="root", is_superuser=True)


def test_an_administrator_cannot_make_a_superuser(administrator: User, log_in: Callable[[User], Client]) -> None:
    form = {"username": "alice", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    response = log_in(administrator).post(f"/admin/auth/user/{administrator.pk}/change/", form)

    assert response.status_code == 302
    administrator.refresh_from_db()
    assert not administrator.is_superuser


def test_an_administrator_cannot_touch_a_superuser(
    administrator: User, root: User, log_in: Callable[[User], Client]
) -> None:
    client = log_in(administrator)

    assert 'name="_save"' not in client.get(f"/admin/auth/user/{root.pk}/change/").content.decode()
    assert client.post(f"/admin/auth/user/{root.pk}/change/", {"username": "mine"}).status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/password/", {}).status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403


def test_deleting_several_users_spares_superusers(
    administrator: User, root: User, log_in: Callable[[User], Client]
) -> None:
    form = {"action": "delete_selected", "_selected_action": [str(root.pk)], "post": "yes"}

    log_in(administrator).post("/admin/auth/user/", form)

    assert User.objects.filter(pk=root.pk).exists()


def test_a_new_user_may_log_in_unless_one_says_otherwise(admin_client: Client) -> None:
    page = admin_client.get("/admin/auth/user/add/").content.decode()

    assert re.search(r'<input type="checkbox" name="is_staff"[^>]* checked', page)
    assert "May log in" in page
