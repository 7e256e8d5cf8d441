"""The list of syncs, a sync's page, its plan, its removal and its end."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.presence import CONFIRMED
from connections.models import Connection
from sandbox.organization import Organization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from tests.syncs.reviewing import answer_review
from tests.syncs.wizard_walk import posted_options
from vault.editing import create_folder, delete_folder, set_secrets
from vault.models import Folder

LIST = "admin:syncs_devinsync_changelist"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


def page_of(sync: DevinSync, name: str = "change", *args: str) -> str:
    return reverse(f"admin:syncs_devinsync_{name}", args=[sync.pk, *args])


def entries(sync: DevinSync, **changed: Any) -> dict[str, Any]:
    """What the edit form posts if only this is changed; None leaves a field out, as an unticked box does."""
    posted = {
        "name": sync.name, "description": sync.description, "is_enabled": "on", "folder": sync.folder_id,
        "connection": sync.connection_id, "org_id": sync.org_id, "seen_version": sync.version,
        **posted_options(sync), "auto_sync_enabled": "on",
    }  # fmt: skip
    return {name: value for name, value in (posted | changed).items() if value is not None}


def another(sync: DevinSync, name: str, **fields: Any) -> DevinSync:
    return DevinSync.objects.create(
        name=name, project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-x", **fields
    )


def messages_on(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


# The list


def test_lists_what_one_wants_to_know(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()

    page = client.get(reverse(LIST)).content.decode()

    assert "dev:/my-secrets" in page
    assert "org-sandbox" in page
    assert "Synced" in page


def test_lists_many_in_few_queries(
    client: Client, sync: DevinSync, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        folder = create_folder(sync.folder.environment, f"/f{number}", by=ANYBODY)  # type: ignore[union-attr]
        DevinSync.objects.create(
            name=f"s{number}", project=sync.project, folder=folder, connection=sync.connection, org_id="org-x"
        )

    with django_assert_max_num_queries(14):
        client.get(reverse(LIST))


@pytest.mark.parametrize(
    "query",
    [
        {"q": "my-devin"}, {"q": "org-sandbox"}, {"q": "/my-secrets"}, {"q": "acme"}, {"is_enabled__exact": "1"},
        {"sync_status__exact": ""}, {"source_environment": "dev"},
    ],
)  # fmt: skip
def test_finds_a_sync(client: Client, sync: DevinSync, query: dict[str, str]) -> None:
    assert "my-devin-sync" in client.get(reverse(LIST), query).content.decode()


def act(client: Client, action: str, *syncs: DevinSync) -> Any:
    data = {"action": action, "_selected_action": [str(sync.pk) for sync in syncs]}
    return client.post(reverse(LIST), data, follow=True)


def test_sync_now_answers_in_counts(client: Client, sync: DevinSync) -> None:
    off = another(sync, "off", is_enabled=False)

    page = act(client, "sync_now", sync, off)

    assert "1 run has been queued." in messages_on(page)
    assert "1 not started: The sync “off” is disabled." in messages_on(page)
    assert SyncRun.objects.get().trigger == Trigger.MANUAL


def test_plan_leads_to_the_plan(client: Client, sync: DevinSync) -> None:
    assert act(client, "plan", sync).redirect_chain[0][0] == page_of(sync, "plan")


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [("disable_auto", "auto_sync_enabled", False), ("disable", "is_enabled", False)],
)
def test_switches_off(client: Client, sync: DevinSync, action: str, field: str, value: bool) -> None:
    act(client, action, sync)

    sync.refresh_from_db()
    assert (getattr(sync, field), sync.version) == (value, 2)
    assert not SyncRun.objects.exists()


def test_switching_on_brings_devin_up_to_date(client: Client, sync: DevinSync) -> None:
    DevinSync.objects.update(auto_sync_enabled=False)

    act(client, "enable_auto", sync)

    assert SyncRun.objects.get().trigger == Trigger.EDIT


@pytest.mark.parametrize(
    ("action", "what", "wish"),
    [
        ("remove_secrets", "remove", {"operation": Operation.REMOVE}),
        ("repush", "repush", {"operation": Operation.SYNC, "repushes_all": True}),
    ],
)
def test_what_destroys_is_confirmed_first(
    client: Client, bench: Bench, action: str, what: str, wish: dict[str, Any]
) -> None:
    bench.source(A="1", B="2")
    bench.run()
    SyncRun.objects.all().delete()

    page = act(client, action, bench.sync)
    assert "2 secrets" in page.content.decode()
    assert "<code>A</code>" in page.content.decode()
    assert not SyncRun.objects.exists()

    client.post(reverse("admin:syncs_devinsync_confirmed", args=[what]), {"sync": str(bench.sync.pk)})
    assert SyncRun.objects.filter(**wish).count() == 1


# Its page


def test_shows_how_it_stands(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    run = bench.run()

    page = client.get(page_of(bench.sync)).content.decode()

    assert "1 secret</a>" in page
    assert run.get_absolute_url() in page


def test_a_blocked_sync_leads_to_its_decision_first(client: Client, bench: Bench, organization: Organization) -> None:
    for number in range(9):
        organization.put(key=f"K{number}", value="x")
    bench.source(A="1")
    assert bench.run().status == Status.BLOCKED

    page = client.get(page_of(bench.sync)).content.decode()

    decide = f'<a class="ds-btn ds-btn--primary" href="{bench.sync.runs.get().get_absolute_url()}#decide">Decide</a>'
    assert decide in page
    assert '<button class="ds-btn" type="submit"' in page[page.index(decide) :]
    assert '<button class="ds-btn ds-btn--primary" type="submit"' not in page


def test_shows_that_the_source_is_gone(client: Client, sync: DevinSync, folder: Folder) -> None:
    delete_folder(folder, by=ANYBODY)

    assert "no longer exists" in client.get(page_of(sync)).content.decode()


def test_says_that_everything_is_paused(client: Client, sync: DevinSync) -> None:
    SyncControl.objects.update_or_create(pk=1, defaults={"is_paused": True})

    assert "All syncs are paused" in client.get(page_of(sync)).content.decode()
    response = client.post(page_of(sync, "run"), follow=True)
    assert "so it waits" in messages_on(response)


def test_an_edit_is_saved_and_synced(client: Client, sync: DevinSync) -> None:
    response = client.post(page_of(sync), entries(sync, key_schema="NEW_{{secretKey}}", name=" New-Name "), follow=True)

    sync.refresh_from_db()
    assert (sync.key_schema, sync.name, sync.version) == ("NEW_{{secretKey}}", "new-name", 2)
    assert SyncRun.objects.get().trigger == Trigger.EDIT
    assert "has been queued" in messages_on(response)


def test_saving_without_a_change_does_nothing(client: Client, sync: DevinSync) -> None:
    client.post(page_of(sync), entries(sync))

    sync.refresh_from_db()
    assert (sync.version, SyncRun.objects.count()) == (1, 0)


def test_without_auto_sync_an_edit_waits_for_a_person(client: Client, sync: DevinSync) -> None:
    response = client.post(page_of(sync), entries(sync, auto_sync_enabled=None), follow=True)

    assert not SyncRun.objects.exists()
    assert "look at the plan" in messages_on(response)


def test_nobodys_edit_is_lost(client: Client, sync: DevinSync) -> None:
    opened = entries(sync, description="mine")
    client.post(page_of(sync), entries(sync, description="theirs"))

    page = client.post(page_of(sync), opened)

    assert "Somebody else saved this sync" in str(page.context["errors"])
    assert page.context["adminform"].form["description"].value() == "mine"
    sync.refresh_from_db()
    assert sync.description == "theirs"


def test_an_edit_keeps_what_a_worker_has_written(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()

    client.post(page_of(bench.sync), entries(bench.sync, auto_sync_enabled=None, description="x"))

    bench.sync.refresh_from_db()
    assert bench.sync.sync_status == Status.SUCCEEDED
    assert bench.sync.last_synced_at is not None


BAD_EDITS = [
    ({"name": "No Good"}, "name", "single hyphens"),
    ({"name": "taken"}, "name", "already has a sync named"),
    ({"folder": ""}, "folder", "Choose the folder"),
    ({"folder": "nonsense"}, "folder", "Choose one of the list"),
    ({"connection": ""}, "connection", "Choose the connection"),
    ({"org_id": "acme"}, "org_id", 'starts with "org-"'),
    ({"org_id": ""}, "org_id", "starts with “org-”"),
    ({"key_schema": "X"}, "key_schema", "exactly once"),
    ({"initial_sync_behavior": "import"}, "initial_sync_behavior", "never gives a value back"),
    ({"guard_max_percent": "101"}, "guard_max_percent", "less than or equal to 100"),
    ({"reconcile_minutes": "-1"}, "reconcile_minutes", "greater than or equal to 0"),
]


@pytest.mark.parametrize(("changed", "field", "says"), BAD_EDITS, ids=[str(changed) for changed, *_ in BAD_EDITS])
def test_a_bad_edit_gets_a_message_at_its_field(
    client: Client, sync: DevinSync, changed: dict[str, str], field: str, says: str
) -> None:
    another(sync, "taken")

    page = client.post(page_of(sync), entries(sync, description="kept", **changed))

    form = page.context["adminform"].form
    assert not form.asks_about_old_secrets
    assert says in " ".join(form.errors[field])
    assert form["description"].value() == "kept"


# Another organization


@pytest.fixture
def other(sandbox: Sandbox, bench: Bench) -> str:
    """A second organization, and a key that may write to both; the sync has written one secret to the first."""
    sandbox.directory.declare_organization("org-b")
    sandbox.directory.declare_key("cog_both", org_id=None)
    bench.sync.connection.set_api_key("cog_both")
    bench.sync.connection.save()
    bench.source(A="1")
    bench.run()
    return "org-b"


def test_another_organization_raises_a_question(client: Client, bench: Bench, other: str) -> None:
    page = client.post(page_of(bench.sync), entries(bench.sync, org_id=other))

    assert "What should happen to the secrets in org-sandbox?" in page.content.decode()
    bench.sync.refresh_from_db()
    assert bench.sync.org_id == "org-sandbox"


def test_who_is_to_prove_who_they_are_may_do_so_before_they_lose_what_they_entered(
    client: Client, bench: Bench, other: str
) -> None:
    hint = "confirm that it is you"
    assert hint not in client.post(page_of(bench.sync), entries(bench.sync, org_id=other)).content.decode()
    session: Any = client.session
    session[CONFIRMED] -= 11 * 60
    session.save()

    page = client.post(page_of(bench.sync), entries(bench.sync, org_id=other)).content.decode()

    assert hint in page
    answer = client.post(page_of(bench.sync), entries(bench.sync, org_id=other, old_secrets="remove"))
    assert answer["Location"].startswith(reverse("admin:confirm_identity"))


def test_the_old_secrets_are_removed_on_request(
    client: Client, bench: Bench, other: str, sandbox: Sandbox, organization: Organization
) -> None:
    page = client.post(page_of(bench.sync), entries(bench.sync, org_id=other, old_secrets="remove"))
    answer_review(client, page, "sync")

    removal = SyncRun.objects.get(operation=Operation.REMOVE)
    assert (removal.org_id, removal.connection) == ("org-sandbox", bench.sync.connection)
    for run in SyncRun.objects.pending():
        bench.carry_out(run)
    assert organization.values() == {}
    assert sandbox.organization(other).values() == {"A": "1"}


def test_another_connection_removes_by_the_old_one(client: Client, bench: Bench, other: str) -> None:
    first = bench.sync.connection
    second = Connection(name="second", base_url=first.base_url)
    second.set_api_key("cog_both")
    second.save()

    posted = entries(bench.sync, org_id=other, connection=second.pk, old_secrets="remove")
    answer_review(client, client.post(page_of(bench.sync), posted), "sync")

    assert SyncRun.objects.get(operation=Operation.REMOVE).connection == first
    assert SyncRun.objects.get(operation=Operation.SYNC, status=Status.PENDING).connection == second


def test_the_old_secrets_stay_on_request(client: Client, bench: Bench, other: str, organization: Organization) -> None:
    page = client.post(page_of(bench.sync), entries(bench.sync, org_id=other, old_secrets="leave"))
    answer_review(client, page, "sync")

    assert not SyncRun.objects.filter(operation=Operation.REMOVE).exists()
    assert not ManagedSecret.objects.filter(destination__org_id="org-sandbox").exists()
    assert organization.values() == {"A": "1"}


def test_the_organization_stays_while_a_run_is_under_way(client: Client, bench: Bench, other: str) -> None:
    SyncRun.objects.update(status=Status.RUNNING)

    page = client.post(page_of(bench.sync), entries(bench.sync, org_id=other, old_secrets="leave"))

    assert "under way" in str(page.context["errors"])


# Plan


def test_plan_shows_what_a_run_would_do_and_does_nothing(
    client: Client, bench: Bench, organization: Organization, sandbox: Sandbox
) -> None:
    bench.source(A="canary-plan-value")
    organization.put(key="B", value="x")

    page = client.get(page_of(bench.sync, "plan"))

    assert [(group.action, group.items[0].key) for group in page.context["shown"].groups] == [
        ("delete", "B"),
        ("create", "A"),
    ]
    assert "canary-plan-value" not in page.content.decode()
    assert not sandbox.log.writes()


def test_plan_says_why_there_is_none(client: Client, sync: DevinSync, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")

    assert "does not accept the API key" in client.get(page_of(sync, "plan")).content.decode()


def test_a_blocked_plan_can_be_confirmed(client: Client, bench: Bench, organization: Organization) -> None:
    organization.put(key="B", value="x")
    page = client.get(page_of(bench.sync, "plan"))
    assert page.context["blocked"].reason == "empty_source"

    client.post(page_of(bench.sync, "run"), {"plan": page.context["plan_token"]})

    run = SyncRun.objects.get()
    assert run.confirmed_deletions == [secret.secret_id for secret in organization.secrets()]
    assert bench.carry_out(run).status == Status.SUCCEEDED


def test_a_plan_of_another_sync_confirms_nothing(client: Client, bench: Bench, organization: Organization) -> None:
    organization.put(key="B", value="x")
    token = client.get(page_of(bench.sync, "plan")).context["plan_token"]
    other = another(bench.sync, "other")

    client.post(page_of(other, "run"), {"plan": token})

    assert not SyncRun.objects.exists()


# The end


def test_delete_asks_what_becomes_of_the_secrets(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()

    page = client.get(page_of(bench.sync, "delete")).content.decode()

    assert "It has 1 secret in" in page
    client.post(page_of(bench.sync, "delete"))
    assert DevinSync.objects.exists()


def test_delete_and_leave(client: Client, bench: Bench, organization: Organization) -> None:
    bench.source(A="1")
    bench.run()
    waiting = request_run(bench.sync, trigger=Trigger.MANUAL)

    client.post(page_of(bench.sync, "delete"), {"secrets": "leave"})

    assert not DevinSync.objects.exists()
    assert organization.values() == {"A": "1"}
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED


@pytest.mark.parametrize("stops", [True, False])
def test_removing_offers_to_turn_auto_sync_off(client: Client, bench: Bench, stops: bool) -> None:
    bench.source(A="1")
    bench.run()
    page = client.get(page_of(bench.sync, "confirm", "remove")).content.decode()
    assert "Turn auto-sync off" in page

    box = {"stop_auto_sync": "1"} if stops else {}
    client.post(reverse("admin:syncs_devinsync_confirmed", args=["remove"]), {"sync": str(bench.sync.pk)} | box)

    bench.sync.refresh_from_db()
    assert bench.sync.auto_sync_enabled is not stops
    assert SyncRun.objects.pending().get(operation=Operation.REMOVE).sync == bench.sync


def test_remove_then_delete(client: Client, bench: Bench, organization: Organization) -> None:
    bench.source(A="1")
    bench.run()
    organization.put(key="OTHERS", value="x")

    client.post(page_of(bench.sync, "delete"), {"secrets": "remove"})
    assert DevinSync.objects.exists()
    run = SyncRun.objects.get(operation=Operation.REMOVE)
    jobs.run_sync(str(run.pk))

    assert not DevinSync.objects.exists()
    assert organization.values() == {"OTHERS": "x"}
    assert client.get(run.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("secrets", ["leave", "remove"])
def test_is_not_deleted_under_a_runs_feet(client: Client, bench: Bench, secrets: str) -> None:
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)

    response = client.post(page_of(bench.sync, "delete"), {"secrets": secrets}, follow=True)

    assert DevinSync.objects.count() == 1
    assert "under way" in messages_on(response)


def test_no_value_on_a_syncs_pages(client: Client, bench: Bench) -> None:
    bench.source(A="canary-5d1")
    bench.run()
    set_secrets(bench.folder, {"B": "canary-5d1"}, by=ANYBODY)

    for name, args in (("change", ()), ("plan", ()), ("delete", ()), ("confirm", ("remove",)), ("history", ())):
        assert "canary-5d1" not in client.get(page_of(bench.sync, name, *args)).content.decode()


# Ways between the pages


def test_a_sync_leads_to_its_folder_and_its_connection(client: Client, sync: DevinSync) -> None:
    page = client.get(page_of(sync)).content.decode()

    assert reverse("admin:vault_folder_page", args=[sync.folder_id]) in page
    assert reverse("admin:connections_connection_change", args=[sync.connection_id]) in page


def test_a_folder_leads_to_the_syncs_that_read_it(client: Client, sync: DevinSync) -> None:
    page = client.get(reverse("admin:vault_folder_page", args=[sync.folder_id])).content.decode()

    assert f'<a href="{sync.get_absolute_url()}">' in page
