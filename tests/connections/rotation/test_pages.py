"""The page of a connection's key, the schedule and the API: who may, what they start, and what is told."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken
from audit.models import Entry
from connections.models import Connection
from connections.rotation import due
from connections.rotation.asking import ask
from connections.rotation.models import KeyRotation, Outcome, Trigger
from connections.rotation.scheduling import ask_due, rotate_every
from tests.connections.rotation.conftest import Bench

pytestmark = pytest.mark.django_db


def page_of(connection: Connection) -> str:
    return reverse("admin:connections_connection_key", args=[connection.pk])


def test_a_person_rotates_the_key_and_sees_what_came_of_it(bench: Bench, admin_client: Client) -> None:
    shown = admin_client.get(page_of(bench.connection)).content.decode()
    assert "org-a" in shown
    assert "Rotate key" in shown
    assert not KeyRotation.objects.exists(), "nothing is asked for by looking"

    admin_client.post(page_of(bench.connection), {"rotate": "yes"})
    waiting = admin_client.get(page_of(bench.connection)).content.decode()
    rotation = bench.finish(KeyRotation.objects.get())

    assert "Waiting to begin" in waiting
    assert "Rotate key" not in waiting
    assert (rotation.asked_by, rotation.outcome) == ("admin", Outcome.DONE)
    ended = admin_client.get(page_of(bench.connection)).content.decode()
    assert "the old one revoked" in ended
    fragment = reverse("admin:connections_connection_key_progress", args=[bench.connection.pk])
    assert 'data-finished="reload"' in admin_client.get(fragment).content.decode()
    assert "Asked for another API key" in " ".join(Entry.objects.values_list("detail", flat=True))


def test_a_second_click_starts_no_second_rotation(bench: Bench, admin_client: Client) -> None:
    for _ in range(2):
        answer = admin_client.post(page_of(bench.connection), {"rotate": "yes"}, follow=True)

    assert "being rotated already" in answer.content.decode()
    assert KeyRotation.objects.count() == 1


def log_in(client: Client, *verbs: str) -> None:
    person = User.objects.create_user("vera", password="x", is_staff=True)
    names = [f"{verb}_connection" for verb in verbs]
    person.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client.force_login(person)


@pytest.mark.parametrize("path", ["connections_connection_key", "connections_connection_key_progress"])
@pytest.mark.parametrize(
    ("verbs", "status"),
    [(["view"], 403), (["rotate"], 403), (["view", "use"], 403), (["view", "rotate"], 200), (["change"], 200)],
)
def test_who_sees_it(bench: Bench, client: Client, path: str, verbs: list[str], status: int) -> None:
    log_in(client, *verbs)

    assert client.get(reverse(f"admin:{path}", args=[bench.connection.pk])).status_code == status


# What is posted, and what it takes.
POSTED = {
    "rotate": ({"rotate": "yes"}, "rotate"),
    "schedule": ({"schedule": "yes", "days": "30"}, "rotate"),
    "replace": ({"replace": "yes", "api_key": "cog_canary-of-another"}, "change"),
}


@pytest.mark.parametrize("verb", ["rotate", "change"])
def test_to_rotate_and_to_change_are_two_rights(bench: Bench, client: Client, verb: str) -> None:
    log_in(client, "view", verb)
    shown = client.get(page_of(bench.connection)).content.decode()
    link = client.get(reverse("admin:connections_connection_change", args=[bench.connection.pk])).content.decode()

    for name, (posted, needed) in POSTED.items():
        assert (f'name="{name}"' in shown) is (needed == verb), name
        assert (client.post(page_of(bench.connection), posted).status_code == 403) is (needed != verb), name
    assert page_of(bench.connection) in link
    assert ("Rotate key" in link) is (verb == "rotate")
    assert KeyRotation.objects.exists() is (verb == "rotate")
    assert bool(Connection.objects.get().rotate_every_days) is (verb == "rotate")


def test_whoever_may_neither_has_no_link_there(bench: Bench, client: Client) -> None:
    log_in(client, "view", "use")

    shown = client.get(reverse("admin:connections_connection_change", args=[bench.connection.pk])).content.decode()

    assert page_of(bench.connection) not in shown


def test_whoever_could_change_connections_may_rotate_keys_after_the_upgrade() -> None:
    change = Permission.objects.get(codename="change_connection")
    Permission.objects.filter(codename="rotate_connection").delete()
    night, vera = Group.objects.create(name="Night shift"), User.objects.create_user("vera", password="x")
    night.permissions.add(change)
    vera.user_permissions.add(change)
    migration = import_module("connections.migrations.0011_rotate_permission")

    for _ in range(2):
        migration.let_whoever_changes_rotate(apps, schema_editor())

    rotate = Permission.objects.get(codename="rotate_connection")
    assert set(rotate.group_set.values_list("name", flat=True)) == {"Administrator", "Night shift"}
    assert vera.has_perm("connections.rotate_connection")


def test_a_token_that_could_change_connections_may_rotate_keys_after_the_upgrade(admin_user: User) -> None:
    written, read = (
        ApiToken.issue(admin_user, name, scopes=[name])[0] for name in ("connections:write", "connections:read")
    )
    migration = import_module("api.migrations.0005_rotate_scope")

    for _ in range(2):
        migration.let_whoever_writes_rotate(apps, schema_editor())

    assert ApiToken.objects.get(pk=written.pk).scopes == ["connections:write", "connections:rotate"]
    assert ApiToken.objects.get(pk=read.pk).scopes == ["connections:read"]


def schema_editor() -> Any:
    return SimpleNamespace(connection=database)


def test_a_key_made_by_hand_is_tested_first_and_never_shown(bench: Bench, admin_client: Client) -> None:
    refused = admin_client.post(page_of(bench.connection), {"replace": "yes", "api_key": "cog_canary-unknown"})
    assert "401" in refused.content.decode()
    assert "canary-unknown" not in refused.content.decode()
    assert not KeyRotation.objects.exists()
    made = bench.sandbox.directory.make_key(bench.keys()[0], name="by hand")

    admin_client.post(page_of(bench.connection), {"replace": "yes", "api_key": made.token})
    rotation = bench.finish(KeyRotation.objects.get())

    used = bench.used()
    assert used is not None
    assert (used.key_name, rotation.is_by_hand) == ("by hand", True)
    shown = admin_client.get(page_of(bench.connection)).content.decode()
    assert "Revoke the old one in Devin" in shown
    assert made.token not in shown


@pytest.mark.parametrize("key", ["", "xoxb-1", "cog_a b"])
def test_what_is_no_key_is_said_at_its_field(bench: Bench, admin_client: Client, key: str) -> None:
    answer = admin_client.post(page_of(bench.connection), {"replace": "yes", "api_key": key})

    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.content.decode()
    assert bench.sandbox.log.requests() == []


def test_a_connection_that_cannot_rotate_says_why_and_takes_a_key(
    make_bench: Callable[..., Bench], admin_client: Client
) -> None:
    bench = make_bench(org_id="org-a")
    bench.connection.verify()

    shown = admin_client.get(page_of(bench.connection)).content.decode()

    assert "of the organization org-a alone" in shown
    assert "Rotate key" not in shown
    assert "Test and replace" in shown


def test_another_app_has_no_such_page(bench: Bench, admin_client: Client) -> None:
    Connection.objects.update(app="infisical")

    assert admin_client.get(page_of(bench.connection)).status_code == 404


# By schedule


def test_it_is_rotated_every_so_many_days(bench: Bench, admin_client: Client) -> None:
    admin_client.post(page_of(bench.connection), {"schedule": "yes", "days": "30"})
    stored = Connection.objects.get()
    assert stored.rotation_due_at is not None
    assert timedelta(days=29) < stored.rotation_due_at - timezone.now() <= timedelta(days=30)
    due.turn()
    assert not KeyRotation.objects.exists()
    Connection.objects.update(rotation_due_at=timezone.now())

    due.turn()

    rotation = bench.finish(KeyRotation.objects.get())
    assert (rotation.trigger, rotation.outcome) == (Trigger.SCHEDULE, Outcome.DONE)
    after = Connection.objects.get().rotation_due_at
    assert after is not None
    assert after - timezone.now() > timedelta(days=29), "counted from the new key"
    assert "schedule" in Entry.objects.values_list("actor", flat=True)


@pytest.mark.parametrize("days", ["0", "731", "x"])
def test_a_schedule_is_a_number_of_days(bench: Bench, admin_client: Client, days: str) -> None:
    assert admin_client.post(page_of(bench.connection), {"schedule": "yes", "days": days}).status_code == 200
    assert Connection.objects.get().rotate_every_days is None


def test_a_schedule_ends(bench: Bench, admin_client: Client) -> None:
    rotate_every(bench.connection, 5)

    admin_client.post(page_of(bench.connection), {"schedule": "yes", "days": ""})

    stored = Connection.objects.get()
    assert (stored.rotate_every_days, stored.rotation_due_at) == (None, None)


def test_one_that_is_under_way_is_asked_for_again_a_day_later(bench: Bench) -> None:
    ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    Connection.objects.update(rotate_every_days=5, rotation_due_at=timezone.now())

    ask_due()
    ask_due()

    later = Connection.objects.get().rotation_due_at
    assert later is not None
    assert later > timezone.now()
    assert KeyRotation.objects.count() == 1
