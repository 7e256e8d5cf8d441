"""Runs and changes as files: what the filters leave, in bounded statements, without formulas, and noted in the log."""

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Entry
from common import tables
from common.tables import harmless
from syncs.choices import Action, Outcome, Status, Trigger
from syncs.models import DevinSync, SyncRun, SyncRunChange
from tests.syncs.people import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
RUNS = "admin:syncs_syncrun_export"
CHANGES = "admin:syncs_syncrunchange_export"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(tables, "CHUNK", 3)
    return 3


def run_of(sync: DevinSync, **facts: Any) -> SyncRun:
    given = {"sync_name": sync.name, "org_id": sync.org_id, "trigger": Trigger.MANUAL, "status": Status.SUCCEEDED}
    return SyncRun.objects.create(sync=sync, **given | facts)


def change_of(run: SyncRun, key: str, **facts: Any) -> SyncRunChange:
    given = {"action": Action.CREATE, "reason": "new in the source", "outcome": Outcome.DONE}
    return SyncRunChange.objects.create(run=run, destination_key=key, **given | facts)


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def as_csv(client: Client, name: str, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(client, reverse(name, args=["csv"]), **query))))


def as_json(client: Client, name: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text_of(client, reverse(name, args=["json"]), **query))
    return found


def test_tells_of_runs(client: Client, sync: DevinSync, admin_user: User) -> None:
    run = run_of(sync, requested_by=admin_user, created_count=2, message="All, well.")

    (row,) = as_csv(client, RUNS)
    assert (row["id"], row["sync"], row["status"]) == (str(run.pk), sync.name, "succeeded")
    assert (row["requested_by"], row["created"], row["message"]) == ("admin", "2", "All, well.")
    (same,) = as_json(client, RUNS)
    assert (same["id"], same["created"], same["queued_at"]) == (str(run.pk), 2, run.queued_at.isoformat())


def test_tells_of_changes(client: Client, sync: DevinSync) -> None:
    run = run_of(sync)
    change_of(run, "PROD_A", source_key="A", former_keys=["A"], action=Action.RENAME, is_drift=True)

    (row,) = as_json(client, CHANGES)

    assert (row["key"], row["source_key"], row["former_keys"], row["action"]) == ("PROD_A", "A", "A", "rename")
    assert (row["run"], row["sync"], row["is_drift"], row["outcome"]) == (str(run.pk), sync.name, True, "done")


@pytest.mark.parametrize(
    "query", [{"status__exact": "failed"}, {"changed": "no"}, {"q": "no such"}, {"sync_name": "my-dev"}]
)
def test_as_the_list_is_filtered(client: Client, sync: DevinSync, query: dict[str, str]) -> None:
    found = run_of(sync, status=Status.FAILED, message="no such organization")
    DevinSync.objects.exclude(pk=sync.pk).delete()
    SyncRun.objects.create(sync_name="other", trigger=Trigger.MANUAL, status=Status.SUCCEEDED, created_count=1)

    assert [row["id"] for row in as_json(client, RUNS, **query)] == [str(found.pk)]


def test_of_one_run_as_its_page_is_filtered(client: Client, sync: DevinSync) -> None:
    run = run_of(sync)
    change_of(run, "A")
    change_of(run, "B", outcome=Outcome.FAILED)
    change_of(run_of(sync), "OTHER")

    address = reverse("admin:syncs_syncrun_changes", args=[run.pk, "json"])

    assert {row["key"] for row in json.loads(text_of(client, address))} == {"A", "B"}
    assert [row["key"] for row in json.loads(text_of(client, address, outcome="failed"))] == ["B"]


def test_filters_that_there_are_not_are_refused(client: Client, sync: DevinSync) -> None:
    assert client.get(reverse(RUNS, args=["csv"]), {"nonsense__exact": "1"}).status_code == 400
    assert client.get(reverse(RUNS, args=["xlsx"])).status_code == 404


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(client: Client, sync: DevinSync, first: str) -> None:
    run = run_of(sync, message=f"{first}cmd()")
    change_of(run, f"{first}A", reason=f"{first}1+1")

    assert harmless(f"{first}x") == f"'{first}x"
    for row in (*as_csv(client, RUNS), *as_csv(client, CHANGES)):
        assert not [cell for cell in row.values() if cell.startswith(first)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
@pytest.mark.parametrize("to", [as_csv, as_json])
def test_each_row_comes_once_in_bounded_statements(
    client: Client, sync: DevinSync, few: int, to: Any, count: int
) -> None:
    run = run_of(sync)
    made = [change_of(run, f"KEY_{number}") for number in range(count)]
    # Of one moment, as the scheduler makes them.
    runs = [run, *(run_of(sync, queued_at=run.queued_at) for _ in range(count))]

    with CaptureQueriesContext(connection) as captured:
        found = to(client, CHANGES)
        of_runs = to(client, RUNS)

    assert [row["key"] for row in found] == [change.destination_key for change in reversed(made)]
    assert sorted(row["id"] for row in of_runs) == sorted(str(each.pk) for each in runs)
    chunks = [query["sql"] for query in captured if f"LIMIT {few}" in query["sql"]]
    assert sum('FROM "syncs_syncrunchange"' in chunk for chunk in chunks) == count // few + 1


def test_who_took_what_is_noted(client: Client, sync: DevinSync) -> None:
    run_of(sync)

    as_csv(client, RUNS, changed="no")

    entry = Entry.objects.latest("id")
    assert (entry.actor, entry.detail) == ("admin", "Exported runs as CSV, filtered by changed=no.")


def test_who_may_not_see_runs_takes_none(client: Client, sync: DevinSync) -> None:
    log_in(client, "nobody")
    run = run_of(sync)

    for address in (
        reverse(RUNS, args=["csv"]),
        reverse(CHANGES, args=["json"]),
        reverse("admin:syncs_syncrun_changes", args=[run.pk, "csv"]),
    ):
        assert client.get(address).status_code == 403
    assert not Entry.objects.filter(detail__startswith="Exported").exists()


def test_the_pages_lead_to_it_with_their_filters(client: Client, sync: DevinSync) -> None:
    run = run_of(sync)
    change_of(run, "A")

    listed = client.get(reverse("admin:syncs_syncrun_changelist"), {"changed": "no"}).content.decode()
    page = client.get(reverse("admin:syncs_syncrun_change", args=[run.pk]), {"q": "A"}).content.decode()

    assert f"{reverse(RUNS, args=['csv'])}?changed=no" in listed
    assert f"{reverse('admin:syncs_syncrun_changes', args=[run.pk, 'json'])}?q=A" in page
