"""What each built-in group may do, and that migrating sets it so."""

from collections.abc import Callable

import pytest
from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils.html import escape

from accounts.roles import BUILT_IN_GROUPS, DESCRIPTIONS, after_migrate

pytestmark = pytest.mark.django_db

CAN = {
    "Viewer": ["syncs.view_devinsync", "vault.view_secret", "connections.view_connection"],
    "Operator": ["syncs.run_devinsync", "syncs.plan_devinsync"],
    "Editor": [
        "vault.add_secret",
        "vault.delete_folder",
        "vault.reveal_secret",
        "connections.use_connection",
        "syncs.add_devinsync",
        "syncs.remove_secrets",
        "syncs.confirm_deletions",
        "syncs.take_over",
    ],
    "Administrator": ["connections.add_connection", "auth.change_user", "auth.add_group", "syncs.pause_syncs"],
}


@pytest.mark.parametrize("role", BUILT_IN_GROUPS)
def test_each_role_can_do_its_own_and_all_before_it_but_nothing_after(role: str, somebody: Callable[..., User]) -> None:
    user = somebody(role)
    reached = BUILT_IN_GROUPS.index(role)

    for index, name in enumerate(BUILT_IN_GROUPS):
        for permission in CAN[name]:
            assert user.has_perm(permission) is (index <= reached), permission


def test_a_viewer_changes_nothing_at_all() -> None:
    codenames = Group.objects.get(name="Viewer").permissions.values_list("codename", flat=True)

    assert all(codename.startswith("view_") for codename in codenames)


def test_nobody_but_an_administrator_sees_users(somebody: Callable[..., User]) -> None:
    assert [role for role in BUILT_IN_GROUPS if somebody(role).has_perm("auth.view_user")] == ["Administrator"]


def test_migrating_again_changes_nothing() -> None:
    before = _permissions()

    call_command("migrate", verbosity=0)

    assert _permissions() == before


def test_migrating_sets_a_group_right_that_was_changed() -> None:
    before = _permissions()
    Group.objects.get(name="Viewer").permissions.add(Permission.objects.get(codename="reveal_secret"))
    Group.objects.get(name="Editor").delete()

    after_migrate(_last_config(), using="default")

    assert _permissions() == before


def test_a_permission_that_is_not_there_yet_is_no_error() -> None:
    Permission.objects.filter(codename="pause_syncs").delete()

    after_migrate(_last_config(), using="default")

    assert not Group.objects.filter(permissions__codename="pause_syncs").exists()


def test_a_group_of_ones_own_is_left_alone() -> None:
    own = Group.objects.create(name="Night shift")
    own.permissions.add(Permission.objects.get(codename="run_devinsync"))

    after_migrate(_last_config(), using="default")

    assert own.permissions.count() == 1


def test_built_in_groups_are_described_and_cannot_be_edited(admin_client: Client) -> None:
    viewer = Group.objects.get(name="Viewer")

    page = admin_client.get(f"/admin/auth/group/{viewer.pk}/change/").content.decode()

    assert escape(DESCRIPTIONS["Viewer"]) in page
    assert 'name="_save"' not in page
    assert admin_client.post(f"/admin/auth/group/{viewer.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_group_of_ones_own_can_be_edited(admin_client: Client) -> None:
    own = Group.objects.create(name="Night shift")

    page = admin_client.get(f"/admin/auth/group/{own.pk}/change/").content.decode()

    assert 'name="_save"' in page


def _last_config() -> AppConfig:
    return [config for config in apps.get_app_configs() if config.models_module is not None][-1]


def _permissions() -> dict[str, list[str]]:
    return {
        group.name: sorted(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.filter(name__in=BUILT_IN_GROUPS)
    }
