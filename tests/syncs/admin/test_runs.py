"""A run's page: what happened, what a person can decide, and what they cannot."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from sandbox.organization import Organization
from sandbox.server import Sandbox
from syncs.choices import Action, Operation, Outcome, Status, Trigger
from syncs.models import DevinSync, SyncControl, SyncRun, SyncRunChange
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from tests.syncs.conftest import Bench


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


def page_of(run: SyncRun, name: str = "change") -> str:
    return reverse(f"admin:syncs_syncrun_{name}", args=[run.pk])


def test_shows_what_happened(client: Client, bench: Bench) -> None:
    bench.source(A="canary-run-value", B="2")
    run = bench.run()

    page = client.get(page_of(run)).content.decode()

    assert "Synced" in page
    assert page.count("Done") >= 2
    assert "canary-run-value" not in page


def test_shows_why_a_key_failed(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1", B="2")
    sandbox.refuse_value("B")
    run = bench.run()

    page = client.get(page_of(run))

    assert page.context["changes"][0][0].destination_key == "B", "failures stand first"
    assert "422" in page.content.decode()
    assert "Fix what the message says" in page.content.decode()


def test_an_unknown_run_is_not_found(client: Client, db: None) -> None:
    assert client.get("/admin/syncs/syncrun/0b5f3f5e-0000-4000-8000-000000000000/change/").status_code == 404
    assert client.get("/admin/syncs/syncrun/nonsense/change/").status_code == 404


def test_the_page_keeps_itself_fresh_while_it_runs(client: Client, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    assert f'data-refresh-url="{page_of(run, "progress")}?seen=pending"' in client.get(page_of(run)).content.decode()

    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    for number in range(4):
        outcome = Outcome.DONE if number else Outcome.PLANNED
        SyncRunChange.objects.create(run=run, action=Action.CREATE, destination_key=f"K{number}", outcome=outcome)
    assert 'data-finished="reload"' in client.get(page_of(run, "progress"), {"seen": "pending"}).content.decode()
    fragment = client.get(page_of(run, "progress"), {"seen": "running"}).content.decode()
    assert "3 of 4 changes" in fragment
    assert "data-finished" not in fragment
    assert "K3" in client.get(page_of(run, "progress"), {"part": "changes"}).content.decode()

    SyncRun.objects.filter(pk=run.pk).update(status=Status.SUCCEEDED)
    assert 'data-finished="reload"' in client.get(page_of(run, "progress"), {"seen": "running"}).content.decode()


@pytest.fixture
def many(sync: DevinSync) -> SyncRun:
    run = request_run(sync, trigger=Trigger.MANUAL)
    SyncRunChange.objects.bulk_create(
        SyncRunChange(
            run=run, action=Action.CREATE, destination_key=f"K{number:04}", reason="new",
            outcome=Outcome.FAILED if number == 999 else Outcome.DONE,
        )
        for number in range(1000)
    )  # fmt: skip
    return run


def test_thousands_of_changes_come_in_pages(
    client: Client, many: SyncRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(16):
        first = client.get(page_of(many))
    assert (len(first.context["changes"]), first.context["page"].paginator.num_pages) == (50, 20)

    last = client.get(page_of(many), {"page": "20"})
    assert last.context["changes"][-1][0].destination_key == "K0998"


@pytest.mark.parametrize(
    ("query", "count"),
    [({"outcome": "failed"}, 1), ({"action": "delete"}, 0), ({"q": "k000"}, 10), ({"outcome": "nonsense"}, 1000)],
)
def test_changes_can_be_filtered(client: Client, many: SyncRun, query: dict[str, str], count: int) -> None:
    assert client.get(page_of(many), query).context["page"].paginator.count == count


# Decisions


@pytest.fixture
def blocked(bench: Bench, organization: Organization) -> SyncRun:
    """Of an empty source, which would delete two secrets that others wrote."""
    organization.put(key="OLD", value="x")
    organization.put(key="OTP", value="x", secret_type="totp")
    return bench.run()


def test_a_blocked_run_shows_its_plan(client: Client, blocked: SyncRun) -> None:
    page = client.get(page_of(blocked))

    assert [change.destination_key for change, _ in page.context["changes"]] == ["OTP", "OLD"]
    assert (page.context["deletion_count"], page.context["stranger_count"]) == (2, 2)
    assert "Sync now, confirm deletions" in page.content.decode()


def test_a_blocked_run_says_what_it_would_do(client: Client, blocked: SyncRun) -> None:
    page = client.get(page_of(blocked))

    assert page.context["would"] == [("Would delete", 2)]
    assert "<dt>Would delete</dt><dd>2</dd>" in page.content.decode()


def test_a_blocked_run_does_not_offer_what_would_be_blocked_again(client: Client, blocked: SyncRun) -> None:
    page = client.get(page_of(blocked)).content.decode()

    assert reverse("admin:syncs_devinsync_run", args=[blocked.sync_id]) not in page
    assert '<a class="ds-btn ds-btn--primary" href="#decide">Decide</a>' in page


def test_a_blocked_run_shows_first_what_it_would_delete(
    client: Client, bench: Bench, organization: Organization
) -> None:
    bench.source(A="1", B="2")
    for number in range(30):
        organization.put(key=f"OLD_{number}", value="x")
    run = bench.run()
    assert run.status == Status.BLOCKED

    at_first = client.get(page_of(run))
    everything = client.get(page_of(run), {"action": ""})

    assert at_first.context["page"].paginator.count == 30
    assert 'href="?action="' in at_first.content.decode()
    assert everything.context["page"].paginator.count == 32
    assert everything.context["would"] == [("Would delete", 30)], "what was written is done"


def test_an_answered_question_is_asked_no_more(client: Client, bench: Bench, blocked: SyncRun) -> None:
    client.post(page_of(blocked, "confirm"))
    bench.carry_out(SyncRun.objects.get(status=Status.PENDING))

    page = client.get(page_of(blocked))

    assert not page.context["chosen"]["action"]
    assert "#decide" not in page.content.decode()


def test_confirming_lets_exactly_that_plan_pass(
    client: Client, bench: Bench, blocked: SyncRun, organization: Organization
) -> None:
    organization.put(key="LATE", value="x")
    client.post(page_of(blocked, "confirm"))

    run = SyncRun.objects.get(status=Status.PENDING)
    assert sorted(run.confirmed_deletions or []) == sorted(
        secret.secret_id for secret in organization.secrets() if secret.key != "LATE"
    )
    assert bench.carry_out(run).blocked_reason == "plan_grew"

    client.post(page_of(run, "confirm"))
    assert bench.carry_out(SyncRun.objects.get(status=Status.PENDING)).status == Status.SUCCEEDED
    assert organization.values() == {}


def test_an_older_plan_can_not_be_confirmed(client: Client, bench: Bench, blocked: SyncRun) -> None:
    bench.run()

    client.post(page_of(blocked, "confirm"))

    assert not SyncRun.objects.pending().exists()
    assert "Decide on that one" in client.get(page_of(blocked)).content.decode()


def test_a_rollback_asks_whether_the_database_is_right(
    client: Client, bench: Bench, organization: Organization
) -> None:
    bench.source(A="1")
    bench.run()
    DevinSync.objects.update(generation=0)
    bench.sync.refresh_from_db()
    run = bench.run()
    assert run.blocked_reason == "rollback"
    assert "Sync now, trust this database" in client.get(page_of(run)).content.decode()

    client.post(page_of(run, "confirm"))
    client.post(page_of(run, "trust"))

    assert bench.carry_out(SyncRun.objects.get(accepts_rollback=True)).status == Status.SUCCEEDED


def test_trust_answers_no_other_question(client: Client, blocked: SyncRun) -> None:
    client.post(page_of(blocked, "trust"))

    assert not SyncRun.objects.pending().exists()


def test_a_waiting_run_can_be_cancelled(client: Client, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)

    client.post(page_of(run, "cancel"))

    run.refresh_from_db()
    assert (run.status, run.message) == (Status.CANCELLED, "Cancelled by admin before it started.")


def test_a_run_under_way_stops_before_its_next_write(client: Client, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    assert claim(run.pk) is not None
    assert page_of(run, "cancel") in client.get(page_of(run)).content.decode()

    page = client.post(page_of(run, "cancel"), follow=True)

    run.refresh_from_db()
    assert (run.status, run.stopped_by) == (Status.RUNNING, "admin")
    assert sync.destination().stop_asked
    text = page.content.decode()
    assert "The run stops before its next write." in text
    assert "Stopping" in text
    assert page_of(run, "cancel") not in text


def test_a_run_that_has_ended_can_not_be_cancelled(client: Client, bench: Bench) -> None:
    run = bench.run()

    page = client.post(page_of(run, "cancel"), follow=True)

    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert "cannot be cancelled" in " ".join(str(message) for message in page.context["messages"])


# Lists


@pytest.mark.parametrize(
    "query",
    [{"q": "my-devin"}, {"status__exact": "succeeded"}, {"trigger__exact": "manual"}, {"operation__exact": "sync"}],
)
def test_finds_a_run(client: Client, bench: Bench, query: dict[str, str]) -> None:
    bench.run()

    assert "my-devin-sync" in client.get(reverse("admin:syncs_syncrun_changelist"), query).content.decode()


@pytest.mark.parametrize("count", ["created", "replaced", "renamed", "handed_over", "deleted"])
def test_finds_what_changed_something(client: Client, sync: DevinSync, count: str) -> None:
    facts = {"sync": sync, "trigger": Trigger.MANUAL, "status": Status.SUCCEEDED}
    wrote = SyncRun.objects.create(sync_name="wrote", **facts, **{f"{count}_count": 1})
    kept = SyncRun.objects.create(sync_name="kept", **facts, kept_count=3, drifted_count=0, held_count=2)

    for chosen, found in (("yes", {wrote}), ("no", {kept}), ("", {wrote, kept})):
        page = client.get(reverse("admin:syncs_syncrun_changelist"), {"changed": chosen} if chosen else {})
        assert set(page.context["cl"].result_list) == found


def test_a_run_that_somebody_looks_at_stays(client: Client, sync: DevinSync) -> None:
    run = SyncRun.objects.create(sync=sync, trigger=Trigger.SCHEDULE, is_quiet=True)
    assert client.get(page_of(run)).status_code == 200
    run.refresh_from_db()

    assert not run.is_quiet


def test_lists_many_runs_in_few_queries(
    client: Client, sync: DevinSync, admin_user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    SyncRun.objects.bulk_create(
        SyncRun(sync=sync, sync_name=sync.name, org_id="org-x", trigger=Trigger.MANUAL, status=Status.SUCCEEDED,
                requested_by=admin_user)
        for _ in range(60)
    )  # fmt: skip

    with django_assert_max_num_queries(12):
        client.get(reverse("admin:syncs_syncrun_changelist"))


def test_changes_and_the_ledger_can_be_looked_through(client: Client, bench: Bench) -> None:
    bench.source(A="canary-ledger")
    bench.run()
    row = bench.sync.managed_secrets.get()

    pages = [
        client.get(reverse("admin:syncs_syncrunchange_changelist"), {"q": "A", "action__exact": "create"}),
        client.get(reverse("admin:syncs_syncrunchange_change", args=[SyncRunChange.objects.get().pk])),
        client.get(reverse("admin:syncs_managedsecret_changelist"), {"q": "A"}),
        client.get(reverse("admin:syncs_managedsecret_change", args=[row.pk])),
    ]

    for page in pages:
        assert page.status_code == 200
        assert "my-devin-sync" in page.content.decode()
        assert "canary-ledger" not in page.content.decode()
        assert row.fingerprint not in page.content.decode()


# The switch


def switch(client: Client, pause: str) -> Any:
    return client.post(reverse("admin:syncs_synccontrol_switch"), {"pause": pause}, follow=True)


def test_pauses_and_resumes_everything(
    client: Client, sync: DevinSync, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[object] = []

    def ring(pk: object, project_id: object) -> bool:
        rung.append(pk)
        return True

    monkeypatch.setattr("syncs.admin.control.ring", ring)

    assert "All syncs are paused" in switch(client, "1").content.decode()
    run = request_run(sync, trigger=Trigger.MANUAL)
    assert "1</dd>" in client.get(reverse("admin:syncs_synccontrol_changelist")).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        switch(client, "0")

    assert not SyncControl.get().is_paused
    assert rung == [run.pk]


def test_a_removal_is_shown_as_one(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    run = bench.run(operation=Operation.REMOVE)

    assert "Remove secrets of my-devin-sync" in client.get(page_of(run)).content.decode()


def test_a_removal_says_removed_and_by_hand(client: Client, bench: Bench, admin_user: User) -> None:
    bench.source(A="1")
    bench.run()
    run = bench.run(operation=Operation.REMOVE, trigger=Trigger.MANUAL)

    page = client.get(page_of(run)).content.decode()

    assert "Removed" in page
    assert "Synced" not in page
    assert "By hand" in page


def test_says_that_a_run_waits_for_everything_to_be_resumed(client: Client, sync: DevinSync) -> None:
    SyncControl.objects.update_or_create(pk=1, defaults={"is_paused": True})
    run = request_run(sync, trigger=Trigger.MANUAL)

    assert "waits until syncs are resumed" in client.get(page_of(run, "progress")).content.decode()


def test_a_run_that_failed_without_a_plan_claims_no_success(client: Client, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(status=Status.FAILED)

    page = client.get(page_of(run)).content.decode()

    assert "Nothing was changed" in page
    assert "No changes" not in page
