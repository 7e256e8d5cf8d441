"""The same routes by members: at their places as the role says, and beyond them as if there were no such sync."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from sources.models import SharedConnection
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.admin.test_permissions import ROUTES, Route
from vault.access.models import Membership
from vault.access.roles import Role
from vault.editing import create_environment, create_project
from vault.models import Folder, Project

pytestmark = pytest.mark.django_db

INSIDE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "viewer": [(Role.VIEWER, {})],
    "operator": [(Role.OPERATOR, {"environments": ["dev"]})],
    "editor": [(Role.EDITOR, {"paths": ["/my-secrets"]}), (Role.READER, {"environments": ["dev"]})],
}
OUTSIDE: dict[str, dict[str, Any]] = {
    "of another project": {"project": "elsewhere"},
    "of another environment": {"environments": ["prod"]},
    "of another folder": {"paths": ["/my-secrets-too", "/other"]},
    "of a folder below": {"paths": ["/my-secrets/below"]},
}
# What concerns the installation as a whole is nobody's by a membership.
OF_ALL = [route for route in ROUTES if route.name.startswith("syncs_synccontrol")]
OF_SYNCS = [route for route in ROUTES if route not in OF_ALL]
# Django's own pages lead home where there is nothing.
GONE = (404, 302)


@pytest.fixture
def address(sync: DevinSync) -> Callable[[Route], str]:
    run = request_run(sync, trigger=Trigger.MANUAL)
    pks = {"sync": [sync.pk], "run": [run.pk], "": []}
    return lambda route: reverse(f"admin:{route.name}", args=[*pks[route.of], *route.args])


@pytest.fixture
def elsewhere(project: Project) -> Project:
    create_environment(project, name="Production", slug="prod", by=ANYBODY)
    return create_project(name="Elsewhere", slug="elsewhere", by=ANYBODY)


def member(project: Project, *roles: str, **limits: Any) -> Client:
    user = User.objects.create_user("member", is_staff=True)
    for role in roles:
        Membership.objects.create(project=project, user=user, role=role, **limits)
    client = Client()
    client.force_login(user)
    return client


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send(client: Client, route: Route, url: str) -> Any:
    with taken_back():
        return getattr(client, route.method)(url, route.data)


@pytest.mark.parametrize("role", INSIDE)
def test_a_member_may_do_at_the_place_what_the_role_says(
    project: Project, connection: Connection, address: Callable[[Route], str], role: str
) -> None:
    SharedConnection.objects.create(connection=connection, project=project)
    client = member(project)
    for name, limits in INSIDE[role]:
        Membership.objects.create(project=project, user=User.objects.get(), role=name, **limits)

    for route in OF_SYNCS:
        response = send(client, route, address(route))
        is_turned_away = response.status_code == 403 or "/login/" in response.headers.get("Location", "")
        assert response.status_code in (200, 302, 403), route
        assert is_turned_away == (role not in route.allowed), (route, response.status_code)
    for route in OF_ALL:
        assert send(client, route, address(route)).status_code == 403, route


@pytest.mark.parametrize("where", OUTSIDE)
def test_beyond_the_place_there_is_nothing(
    project: Project, elsewhere: Project, sync: DevinSync, address: Callable[[Route], str], where: str
) -> None:
    limits = dict(OUTSIDE[where])
    client = member(elsewhere if limits.pop("project", "") else project, *Role.values, **limits)

    for route in OF_SYNCS:
        response = send(client, route, address(route))
        text = response.getvalue().decode()
        assert sync.name not in text, route
        assert sync.org_id not in text, route
        if route.of:
            assert response.status_code in GONE, (route, response.status_code)
            assert response.status_code == 404 or response.headers["Location"] == reverse("admin:index"), route
    assert SyncRun.objects.count() == 1


def test_a_refusal_names_the_right_and_the_place(project: Project, sync: DevinSync) -> None:
    client = member(project, Role.VIEWER)

    page = client.post(reverse("admin:syncs_devinsync_run", args=[sync.pk]))

    assert page.status_code == 403
    text = page.content.decode()
    assert "Can start a run" in text
    assert "in dev:/my-secrets of Acme shop" in text


def test_what_has_no_place_any_more_is_for_all_or_nobody(project: Project, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(sync=None)

    client = member(project, *Role.values)

    assert client.get(run.get_absolute_url()).status_code == 404


def test_a_sync_whose_folder_is_gone_stays_where_it_was(project: Project, folder: Folder, sync: DevinSync) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(folder=None)

    assert member(project, Role.VIEWER, paths=["/my-secrets"]).get(sync.get_absolute_url()).status_code == 200
    User.objects.all().delete()
    assert member(project, Role.VIEWER, paths=["/other"]).get(sync.get_absolute_url()).status_code == 302
