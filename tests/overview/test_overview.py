"""The overview: what a newcomer sees, what a person must act on, and at what cost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as QueueIsGone

from connections.models import Connection, KeyLife
from overview import collect as overview
from syncs.choices import Status
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs.schedule import note_alive
from tests.actors import ANYBODY
from vault.editing import create_environment, create_project, set_secrets
from vault.models import Folder

pytestmark = pytest.mark.django_db

AddSync = Callable[..., DevinSync]


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A queue that answers with these numbers."""
    answer: dict[str, Any] = {"workers": 2, "queued": 0}
    monkeypatch.setattr(overview, "_ask_queue", lambda: (answer["workers"], answer["queued"]))
    return answer


def test_leads_a_newcomer_through_three_steps(admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()

    assert "Three steps to your first sync" in page
    assert page.count("ds-steps__done") == 0


def test_ticks_off_the_steps_that_are_done(admin_user: User) -> None:
    Connection(name="acme", base_url="https://devin.example").save()
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    environment = create_environment(project, name="Production", slug="prod", by=ANYBODY)
    set_secrets(Folder.objects.get(environment=environment, path="/"), {"DB_URL": "postgres://"}, by=ANYBODY)

    seen = overview.collect(admin_user)

    assert [step.is_done for step in seen.first_steps] == [True, True, False]
    assert seen.next_step is not None
    assert seen.next_step.title == "Create a sync"


def test_offers_a_viewer_no_step_that_is_not_permitted(somebody: Callable[..., User]) -> None:
    assert {step.url for step in overview.collect(somebody("Viewer")).first_steps} == {""}


def test_counts_syncs_by_status(admin_user: User, add_sync: AddSync) -> None:
    add_sync("one", Status.SUCCEEDED)
    add_sync("two", Status.SUCCEEDED)
    add_sync("three", Status.FAILED)
    add_sync("four", Status.PENDING)
    add_sync("off", Status.FAILED, is_enabled=False)

    tiles = {tile.label: tile.value for tile in overview.collect(admin_user).tiles}

    assert tiles == {"Syncs": 5, "Synced": 2, "In progress": 1, "Blocked": 0, "Failed": 1}


def test_names_what_needs_a_person(admin_user: User, add_sync: AddSync) -> None:
    add_sync("fine", Status.SUCCEEDED)
    add_sync("off", Status.FAILED, is_enabled=False)
    blocked = add_sync("guarded", Status.BLOCKED, last_sync_message="The plan deletes 12 of 20.")
    orphan = add_sync("orphan", Status.SUCCEEDED)
    DevinSync.objects.filter(pk=orphan.pk).update(folder=None)
    Connection.objects.update(is_valid=False, validation_message="Devin answered 401.")

    attention = {item.name: item for item in overview.collect(admin_user).attention.rows}

    assert set(attention) == {"guarded", "orphan", "acme"}
    assert attention["guarded"].state == "blocked"
    assert attention["guarded"].message == blocked.last_sync_message
    assert "prod:/app is gone" in attention["orphan"].message
    assert attention["acme"].message == "Devin answered 401."


def test_a_sync_without_source_that_never_ran_is_no_error(admin_user: User, add_sync: AddSync) -> None:
    sync = add_sync("orphan", Status.SUCCEEDED)
    DevinSync.objects.filter(pk=sync.pk).update(folder=None, sync_status="", last_sync_run_id=None)

    assert [item.word for item in overview.collect(admin_user).attention.rows] == ["No source"]


def test_counts_all_that_need_a_person_and_names_the_most_pressing(admin_user: User, add_sync: AddSync) -> None:
    now = timezone.now()
    for number in range(20):
        add_sync(f"failed-{number}", Status.FAILED, last_synced_at=now - timedelta(days=number))
    for number in range(9):
        add_sync(f"blocked-{number}", Status.BLOCKED, last_synced_at=now - timedelta(hours=number))
    Connection.objects.update(is_valid=False)

    attention = overview.collect(admin_user).attention

    assert attention.count == 20 + 9 + 1
    assert [row.name for row in attention.rows] == [*(f"blocked-{number}" for number in range(8, 2, -1)), "acme"]


def test_links_to_all_syncs_that_need_a_person(admin_client: Client, add_sync: AddSync) -> None:
    add_sync("fine", Status.SUCCEEDED)
    for number in range(7):
        add_sync(f"guarded-{number}", Status.BLOCKED)

    page = admin_client.get("/admin/").content.decode()
    listed = admin_client.get("/admin/syncs/devinsync/?needs=person").content.decode()

    assert 'href="/admin/syncs/devinsync/?needs=person"' in page
    assert "All 7 syncs that need attention" in " ".join(page.split())
    assert all(f"guarded-{number}" in listed for number in range(7))
    assert ">fine<" not in listed


@pytest.mark.parametrize(("need", "found"), [("blocked", ["guarded"]), ("failed", ["broken"]), ("asks", [])])
def test_the_list_of_syncs_can_be_filtered_by_what_they_need(
    need: str, found: list[str], admin_client: Client, add_sync: AddSync
) -> None:
    add_sync("guarded", Status.BLOCKED)
    add_sync("broken", Status.FAILED)
    add_sync("off", Status.FAILED, is_enabled=False)

    rows = admin_client.get(f"/admin/syncs/devinsync/?needs={need}").context["cl"].queryset

    assert [sync.name for sync in rows] == found


def test_links_to_all_connections_that_are_not_valid(admin_client: Client, add_sync: AddSync) -> None:
    sync = add_sync("fine", Status.SUCCEEDED)
    for number in range(7):
        refused = Connection(name=f"refused-{number}", base_url="https://devin.example", is_valid=False)
        refused.save()
        DevinSync.objects.create(
            name=f"by-{number}", project=sync.project, folder=sync.folder, connection=refused, org_id="org-1"
        )

    page = admin_client.get("/admin/").content.decode()
    url = "/admin/connections/connection/?validation=failed"

    assert f'href="{url}"' in page
    assert len(admin_client.get(url).context["cl"].queryset) == 7


def test_draws_the_runs_of_the_last_24_hours(admin_user: User, add_sync: AddSync) -> None:
    sync = add_sync("one", Status.SUCCEEDED)
    add_sync("two", Status.FAILED)
    SyncRun.objects.create(
        sync=sync, sync_name="one", status=Status.FAILED, queued_at=timezone.now() - timedelta(days=2)
    )

    seen = overview.collect(admin_user)

    assert len(seen.bars) == 24
    assert dict(seen.bars[-1]["parts"]) | {"ok": 1, "failed": 1} == dict(seen.bars[-1]["parts"])
    assert seen.runs_in_chart == 2


def test_lists_what_is_due_next(admin_user: User, add_sync: AddSync) -> None:
    later = add_sync("later", Status.SUCCEEDED)
    add_sync("manual", Status.SUCCEEDED, auto_sync_enabled=False)
    sooner = add_sync("sooner", Status.SUCCEEDED)
    DevinSync.objects.filter(pk=later.pk).update(next_reconcile_at=timezone.now() + timedelta(hours=1))

    assert [sync.pk for sync in overview.collect(admin_user).due] == [sooner.pk, later.pk]


@pytest.mark.parametrize(
    ("workers", "words"), [(2, "Healthy"), (0, "No worker is running"), (None, "The queue isn't responding")]
)
def test_tells_how_the_queue_is(
    workers: int | None, words: str, queue: dict[str, Any], admin_client: Client, add_sync: AddSync
) -> None:
    add_sync("one", Status.SUCCEEDED)
    queue["workers"] = workers
    note_alive()

    assert words in admin_client.get("/admin/").content.decode()


def test_misses_a_scheduler_that_has_gone_silent(admin_client: Client, add_sync: AddSync) -> None:
    add_sync("one", Status.SUCCEEDED)
    note_alive()
    SyncControl.objects.update(scheduler_seen_at=timezone.now() - timedelta(minutes=2))

    assert "No scheduler is running" in admin_client.get("/admin/").content.decode()


def test_a_queue_that_is_gone_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    def refuse(name: str) -> None:
        raise QueueIsGone("no socket")

    monkeypatch.setattr("django_rq.get_queue", refuse)

    assert overview._ask_queue() == (None, None)


def test_names_the_connections_in_use_whose_key_ends_soon(admin_user: User, add_sync: AddSync) -> None:
    used, now = add_sync("one", Status.SUCCEEDED).connection, timezone.now()
    unused = Connection.objects.create(name="unused", base_url="https://devin.example")
    for each in (used, unused):
        KeyLife.objects.create(connection=each, expires_at=now + timedelta(days=3), origin="entered")

    attention = overview.collect(admin_user).attention

    assert [(row.state, row.word, row.name) for row in attention.rows] == [("blocked", "Key expires", used.name)]
    assert "Its API key expires in 2 days, on" in attention.rows[0].message
    assert (attention.count, attention.key_count) == (1, 1)
    KeyLife.objects.update(expires_at=now + timedelta(days=14, minutes=1))
    assert overview.collect(admin_user).attention.rows == []
    KeyLife.objects.update(expires_at=now - timedelta(days=1))
    assert [row.word for row in overview.collect(admin_user).attention.rows] == ["Key expired"]
    # What its service refuses is named once.
    Connection.objects.update(is_valid=False)
    assert [row.word for row in overview.collect(admin_user).attention.rows] == ["Not valid"]


def test_tells_of_no_key_whose_connection_is_not_seen(somebody: Callable[..., User], add_sync: AddSync) -> None:
    connection = add_sync("one", Status.SUCCEEDED).connection
    KeyLife.objects.create(connection=connection, expires_at=timezone.now(), origin="entered")

    assert overview.collect(somebody()).attention.count == 0


def test_links_to_all_connections_whose_key_ends(admin_client: Client, add_sync: AddSync) -> None:
    sync = add_sync("fine", Status.SUCCEEDED)
    for number in range(7):
        ending = Connection.objects.create(name=f"ending-{number}", base_url="https://devin.example")
        KeyLife.objects.create(connection=ending, expires_at=timezone.now(), origin="entered")
        DevinSync.objects.create(name=f"s-{number}", project=sync.project, connection=ending, org_id="org-2")

    page = " ".join(admin_client.get("/admin/").content.decode().split())

    assert 'href="/admin/connections/connection/?key=expiring"> All 7 connections whose key expires' in page


def test_costs_the_same_queries_for_many_syncs(
    admin_client: Client, add_sync: AddSync, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    add_sync("one", Status.FAILED)
    with django_assert_max_num_queries(17) as few:
        admin_client.get("/admin/")
    for number in range(5):
        add_sync(f"more-{number}", Status.BLOCKED)

    with django_assert_num_queries(len(few)):
        admin_client.get("/admin/")


def test_the_changing_part_can_be_fetched_alone(admin_client: Client, add_sync: AddSync) -> None:
    add_sync("billing", Status.SUCCEEDED)

    fragment = admin_client.get("/admin/overview/").content.decode()

    assert "billing" in fragment
    assert "<html" not in fragment


def test_the_changing_part_asks_for_a_login(client: Client) -> None:
    assert client.get("/admin/overview/").status_code == 302


def test_somebody_without_permissions_is_told_whom_to_ask(
    somebody: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(somebody()).get("/admin/").content.decode()

    assert "Ask an administrator" in page


def test_every_page_tells_that_all_syncs_are_paused(admin_client: Client) -> None:
    assert "All syncs are paused" not in admin_client.get("/admin/auth/user/").content.decode()
    control = SyncControl.get()
    control.is_paused = True
    control.save()

    assert "All syncs are paused" in admin_client.get("/admin/auth/user/").content.decode()
