"""A connection that syncs use is pointed elsewhere: who may, and what it takes until values go there."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from connections.repointing import why_it_stays
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.editing.addresses import agree_to_address
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import API_KEY, ORG, Bench
from vault.editing import set_secrets

RUN, PLAN = "run_devinsync", "plan_devinsync"
USE, REVEAL = "use_connection", "reveal_secret"
CONFIRM = "confirm_deletions"


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


def repoint(connection: Connection, url: str, key: str = API_KEY) -> None:
    connection.refresh_from_db()
    connection.base_url = url
    connection.set_api_key(key)
    connection.save()


def person(*permissions: str) -> User:
    user = User.objects.create_user("alice", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def keys_at(server: Sandbox) -> set[str]:
    return set(server.organization(ORG).values())


# Who may


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ((), ["connections.use_connection", "vault.reveal_secret"]),
        (("connections.use_connection",), ["vault.reveal_secret"]),
        (("vault.reveal_secret",), ["connections.use_connection"]),
        (("connections.use_connection", "vault.reveal_secret"), []),
    ],
)
def test_takes_the_right_to_use_it_and_to_read_what_it_carries(
    sync: DevinSync, allowed: tuple[str, ...], missing: list[str]
) -> None:
    refusal = why_it_stays(sync.connection, lambda permission: permission in allowed)

    assert re.findall(r"[a-z]+\.[a-z_]+", refusal) == missing
    assert not missing or refusal.startswith("1 sync sends values through “acme”, so another address or API key")


def test_a_connection_that_no_sync_uses_may_be_pointed_anywhere(connection: Connection) -> None:
    assert why_it_stays(connection, lambda permission: False) == ""


# What it takes


def test_nothing_goes_to_a_new_address_that_nobody_has_looked_at(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="canary-1", B="canary-2")
    bench.run()
    repoint(bench.sync.connection, elsewhere.url)

    run = bench.run(trigger=Trigger.SCHEDULE)

    assert (run.status, run.blocked_reason, run.requests_sent) == (Status.BLOCKED, "new_address", 0)
    assert f"now leads to {elsewhere.url}" in run.message
    assert not elsewhere.log.requests()
    assert (bench.sync.sync_status, bench.sync.is_elsewhere) == (Status.BLOCKED, True)


@pytest.mark.parametrize(
    "wishes", [{"confirms_any_deletion": True}, {"accepts_rollback": True}, {"repushes_all": True}]
)
def test_no_other_confirmation_stands_for_it(bench: Bench, elsewhere: Sandbox, wishes: dict[str, Any]) -> None:
    bench.source(A="canary")
    repoint(bench.sync.connection, elsewhere.url)

    assert bench.run(**wishes).blocked_reason == "new_address"
    assert not elsewhere.log.requests()


def test_a_run_that_waited_and_one_that_is_tried_again_stop_too(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="canary")
    waiting = SyncRun.objects.get(status=Status.PENDING)
    SyncRun.objects.filter(pk=waiting.pk).update(attempt=2, message="Devin answered 500.")

    repoint(bench.sync.connection, elsewhere.url)

    assert bench.carry_out(waiting).blocked_reason == "new_address"
    assert not elsewhere.log.requests()


def test_whatever_changes_the_row_is_noticed(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="canary")
    moved = Connection(pk=bench.sync.connection_id, base_url=elsewhere.url)
    moved.set_api_key(API_KEY)
    Connection.objects.update(base_url=moved.base_url, sealed_credentials=moved.sealed_credentials)

    assert bench.run().blocked_reason == "new_address"


@pytest.mark.parametrize("edit", [{"description": "new"}, {"org_id": "org-other"}, {"is_enabled": True}])
def test_an_edit_of_the_sync_is_no_agreement(bench: Bench, elsewhere: Sandbox, edit: dict[str, Any]) -> None:
    repoint(bench.sync.connection, elsewhere.url)
    bench.sync.refresh_from_db()

    bench.options(**edit)

    assert bench.run().blocked_reason == "new_address"


def test_another_connection_that_a_person_chooses_is_one(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="1")
    repoint(bench.sync.connection, "http://127.0.0.1:9")
    other = Connection(name="other", base_url=elsewhere.url)
    other.set_api_key(API_KEY)
    other.save()
    bench.sync.refresh_from_db()

    bench.options(connection=other)

    assert bench.run().status == Status.SUCCEEDED


def test_another_key_for_the_same_address_goes_on(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    repoint(bench.sync.connection, sandbox.url)

    assert bench.run().status == Status.SUCCEEDED


def test_back_at_the_old_address_it_goes_on(bench: Bench, sandbox: Sandbox, elsewhere: Sandbox) -> None:
    bench.source(A="1")
    repoint(bench.sync.connection, elsewhere.url)
    bench.run()
    repoint(bench.sync.connection, sandbox.url)

    assert bench.run().status == Status.SUCCEEDED


def test_syncs_of_before_go_on_where_they_were(bench: Bench, sandbox: Sandbox) -> None:
    DevinSync.objects.update(agreed_connection_id=None, agreed_base_url="")

    import_module("syncs.migrations.0004_agreed_addresses").take_present_addresses(apps, None)

    bench.sync.refresh_from_db()
    assert bench.sync.agreed_base_url == sandbox.url
    assert not bench.sync.is_elsewhere


# Agreeing


def test_agreeing_lets_it_write_there(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="1")
    bench.run()
    repoint(bench.sync.connection, elsewhere.url)
    waiting = bench.sync.runs.filter(status=Status.PENDING).first()

    run = agree_to_address(bench.sync, elsewhere.url, deletions=[], user=None)

    assert waiting is None or SyncRun.objects.get(pk=waiting.pk).status == Status.CANCELLED
    assert bench.carry_out(run).status == Status.SUCCEEDED
    assert keys_at(elsewhere) == {"A"}


def test_what_a_waiting_run_was_allowed_does_not_count_there(bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="1")
    bench.run(confirms_any_deletion=True)
    SyncRun.objects.update(status=Status.PENDING, confirms_any_deletion=True)
    repoint(bench.sync.connection, elsewhere.url)

    run = agree_to_address(bench.sync, elsewhere.url, deletions=[], user=None)

    assert not run.confirms_any_deletion
    assert SyncRun.objects.exclude(pk=run.pk).get().status == Status.CANCELLED


def test_an_address_that_changed_since_is_not_agreed_to(bench: Bench, elsewhere: Sandbox) -> None:
    repoint(bench.sync.connection, elsewhere.url)

    with pytest.raises(NotRunnable, match="pointed elsewhere since"):
        agree_to_address(bench.sync, "http://127.0.0.1:9", deletions=[], user=None)

    bench.sync.refresh_from_db()
    assert bench.sync.is_elsewhere


# In the admin


def page(sync: DevinSync, name: str) -> str:
    return reverse(f"admin:syncs_devinsync_{name}", args=[sync.pk])


def token_on(response: Any) -> str:
    found = re.search(r'name="agreed" value="([^"]+)"', response.content.decode())
    assert found, "no button"
    return found[1]


def test_the_plan_page_shows_both_addresses_and_lets_it_go(client: Client, bench: Bench, elsewhere: Sandbox) -> None:
    bench.source(A="1")
    client.force_login(person("view_devinsync", RUN, PLAN, USE, REVEAL))
    repoint(bench.sync.connection, elsewhere.url)
    shown = client.get(page(bench.sync, "plan"))

    client.post(page(bench.sync, "run"), {"agreed": token_on(shown)})

    assert elsewhere.url in shown.content.decode()
    assert bench.sync.agreed_base_url in shown.content.decode()
    bench.sync.refresh_from_db()
    assert not bench.sync.is_elsewhere
    assert f"Let it write to {elsewhere.url}" in LogEntry.objects.latest("pk").change_message
    assert bench.carry_out(SyncRun.objects.latest("queued_at")).status == Status.SUCCEEDED


@pytest.mark.parametrize("lacking", [USE, REVEAL, RUN])
def test_agreeing_takes_every_right(client: Client, bench: Bench, elsewhere: Sandbox, lacking: str) -> None:
    user = person("view_devinsync", RUN, PLAN, USE, REVEAL)
    client.force_login(user)
    repoint(bench.sync.connection, elsewhere.url)
    token = token_on(client.get(page(bench.sync, "plan")))
    user.user_permissions.remove(Permission.objects.get(codename=lacking))

    response = client.post(page(bench.sync, "run"), {"agreed": token})

    assert response.status_code == 403
    assert 'name="agreed"' not in client.get(page(bench.sync, "plan")).content.decode()
    bench.sync.refresh_from_db()
    assert bench.sync.is_elsewhere


@pytest.mark.parametrize("posted", [{}, {"agreed": "forged"}, {"plan": "forged"}])
def test_without_having_seen_the_plan_one_is_led_to_it(
    client: Client, admin_user: User, bench: Bench, elsewhere: Sandbox, posted: dict[str, str]
) -> None:
    client.force_login(admin_user)
    repoint(bench.sync.connection, elsewhere.url)

    response = client.post(page(bench.sync, "run"), posted)

    assert response["Location"] == page(bench.sync, "plan")
    assert not SyncRun.objects.exists()


def test_a_plan_seen_at_another_address_does_not_count(
    client: Client, admin_user: User, bench: Bench, elsewhere: Sandbox
) -> None:
    client.force_login(admin_user)
    repoint(bench.sync.connection, elsewhere.url)
    token = token_on(client.get(page(bench.sync, "plan")))
    repoint(bench.sync.connection, "http://127.0.0.1:9")

    response = client.post(page(bench.sync, "run"), {"agreed": token})

    assert response["Location"] == page(bench.sync, "plan")
    bench.sync.refresh_from_db()
    assert bench.sync.is_elsewhere


def test_whoever_may_not_confirm_deletions_agrees_to_the_address_alone(
    client: Client, bench: Bench, elsewhere: Sandbox
) -> None:
    for number in range(20):
        elsewhere.organization(ORG).put(key=f"THEIRS_{number}", value="x")
    bench.source(A="1")
    client.force_login(person("view_devinsync", RUN, PLAN, USE, REVEAL))
    repoint(bench.sync.connection, elsewhere.url)

    client.post(page(bench.sync, "run"), {"agreed": token_on(client.get(page(bench.sync, "plan")))})

    run = bench.carry_out(SyncRun.objects.latest("queued_at"))
    assert run.blocked_reason == "too_many_deletions"


def test_the_pages_of_the_sync_and_of_its_blocked_run_lead_to_the_plan(
    client: Client, admin_user: User, bench: Bench, elsewhere: Sandbox
) -> None:
    client.force_login(admin_user)
    repoint(bench.sync.connection, elsewhere.url)
    run = bench.run()

    for shown in (page(bench.sync, "change"), run.get_absolute_url()):
        assert page(bench.sync, "plan") in client.get(shown).content.decode()

    confirm = reverse("admin:syncs_syncrun_confirm", args=[run.pk])
    client.post(confirm)
    assert SyncRun.objects.count() == 1


def test_the_removal_of_secrets_is_not_held_up(bench: Bench, elsewhere: Sandbox) -> None:
    set_secrets(bench.folder, {"A": "1"}, by=ANYBODY)
    repoint(bench.sync.connection, elsewhere.url)

    assert bench.run(operation=Operation.REMOVE).status == Status.SUCCEEDED
    assert keys_at(elsewhere) == set()
