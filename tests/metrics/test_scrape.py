"""What a scrape tells after something has happened, and what it costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis
from rq.queue import Queue

from api.models import ApiToken
from common.counting import tally
from connections.models import Connection, KeyLife
from metrics.gauges import GAUGES, GAUGES_PER_SYNC, SYNC_STATES
from metrics.models import Total
from metrics.totals import read_totals
from sandbox.server import Sandbox
from syncs.choices import BlockedReason, Status, Trigger
from syncs.engine.report import Report
from syncs.models import Destination, DevinSync, SyncControl, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.bells import Bells, count_workers
from syncs.runs.history import clean_runs
from tests.actors import ANYBODY
from tests.metrics.conftest import AUTHORIZED, Scrape
from tests.syncs.conftest import Bench
from vault.editing import create_folder, set_secrets

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def test_a_change_is_counted_with_all_that_it_caused(bench: Bench, scrape: Scrape) -> None:
    set_secrets(bench.folder, {"A": "1", "B": "2"}, by=ANYBODY)
    bench.carry_out(SyncRun.objects.get(trigger=Trigger.CHANGE))

    seen = scrape()

    assert seen("devinsync_runs_total", operation="sync", outcome="succeeded") == 1
    assert seen("devinsync_changes_total", result="created") == 2
    assert seen("devinsync_run_duration_seconds_count", operation="sync") == 1
    assert seen("devinsync_change_lag_seconds_count") == 1
    assert seen("devinsync_change_lag_seconds_bucket", le="+Inf") == 1
    assert seen("devinsync_source_reads_total", kind="vault", outcome="whole") == 1
    assert seen("devinsync_requests_total", app="devin", status="200") > 0
    assert seen("devinsync_syncs", state="succeeded") == 1
    assert seen("devinsync_secrets_in_step") == 2


def test_a_comparison_that_leaves_no_row_is_counted(bench: Bench, scrape: Scrape) -> None:
    bench.source(A="1")
    bench.run()

    run = request_run(bench.sync, trigger=Trigger.SCHEDULE)
    SyncRun.objects.filter(pk=run.pk).update(is_quiet=True)
    _carry_out_quietly(run)

    seen = scrape()
    assert not SyncRun.objects.filter(pk=run.pk).exists()
    assert seen("devinsync_unrecorded_runs_total") == 1
    assert seen("devinsync_runs_total", operation="sync", outcome="succeeded") == 2


def _carry_out_quietly(run: SyncRun) -> None:
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    jobs.run_sync(str(run.pk))


def test_nothing_goes_down_when_history_is_cleaned(bench: Bench, scrape: Scrape, settings: LazySettings) -> None:
    bench.source(A="1")
    bench.run()
    bench.run()
    before = scrape()
    SyncRun.objects.update(
        queued_at=timezone.now() - timedelta(days=400), finished_at=timezone.now() - timedelta(days=400)
    )

    while clean_runs():
        pass

    assert SyncRun.objects.count() == 1
    after = scrape()
    assert after("devinsync_runs_total", operation="sync", outcome="succeeded") == 2
    assert after("devinsync_changes_total", result="created") == before("devinsync_changes_total", result="created")


def test_drift_and_a_takeover_are_counted(bench: Bench, sandbox: Sandbox, scrape: Scrape, no_pause: None) -> None:
    bench.source(A="1")
    bench.run()
    organization = sandbox.organization(bench.sync.org_id)
    organization.delete(organization.secrets()[0].secret_id)
    Destination.objects.update(
        lease_holder="a worker that is gone", lease_expires_at=timezone.now() - timedelta(days=1)
    )

    bench.run()

    seen = scrape()
    assert seen("devinsync_drifted_secrets_total") == 1
    assert seen("devinsync_lease_takeovers_total") == 1


def test_a_takeover_is_saved_before_the_run_can_kill_this_worker_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, no_pause: None
) -> None:
    bench.source(A="1")
    bench.run()
    tally.take()
    gone = {"lease_holder": "a worker that is gone", "lease_expires_at": timezone.now() - timedelta(days=1)}
    Destination.objects.update(**gone)
    told: list[float] = []

    def look(*_: object) -> Report:
        told.append(read_totals()["devinsync_lease_takeovers_total", ()])
        return Report()

    monkeypatch.setattr(jobs, "reconcile", look)
    bench.run()

    assert told == [1]


def test_a_source_that_a_person_must_mend_is_counted(bench: Bench, scrape: Scrape) -> None:
    bench.source(A="${LACKING}")
    bench.run()

    seen = scrape()

    assert seen("devinsync_source_reads_total", kind="vault", outcome="faulty") == 1
    assert seen("devinsync_runs_total", operation="sync", outcome="failed") == 1
    assert seen("devinsync_syncs", state="failed") == 1


def test_counts_runs_that_wait_for_another_person(bench: Bench, scrape: Scrape) -> None:
    bench.source(A="1")
    bench.run()
    run = SyncRun.objects.get()
    assert scrape()("devinsync_runs_awaiting_approval") == 0

    for reason, waiting in ((BlockedReason.APPROVAL, 2), (BlockedReason.REFUSED, 0)):
        SyncRun.objects.filter(pk=run.pk).update(status=Status.BLOCKED, blocked_reason=reason)
        blocked = {"sync_status": Status.BLOCKED, "remove_status": Status.BLOCKED}
        DevinSync.objects.update(**blocked, last_sync_run_id=run.pk, last_remove_run_id=run.pk)
        assert scrape()("devinsync_runs_awaiting_approval") == waiting
    SyncRun.objects.filter(pk=run.pk).update(blocked_reason=BlockedReason.APPROVAL)
    DevinSync.objects.update(is_enabled=False)
    assert scrape()("devinsync_runs_awaiting_approval") == 1, "its removal alone"


def test_tells_how_long_the_oldest_due_run_has_been_waiting(bench: Bench, scrape: Scrape) -> None:
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(queued_at=timezone.now() - timedelta(hours=2))

    seen = scrape()

    assert seen("devinsync_queue_depth") == 1
    assert 7200 <= seen("devinsync_queue_oldest_age_seconds") < 3 * 7200


@pytest.mark.parametrize("why", ["paused", "later"])
def test_a_run_that_no_worker_could_take_waits_for_none(bench: Bench, scrape: Scrape, why: str) -> None:
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    if why == "paused":
        SyncControl.objects.update_or_create(pk=1, defaults={"is_paused": True})
    else:
        SyncRun.objects.filter(pk=run.pk).update(not_before=timezone.now() + timedelta(days=1))

    seen = scrape()

    assert (seen("devinsync_queue_depth"), seen("devinsync_queue_oldest_age_seconds")) == (0, 0)
    assert seen("devinsync_runs_later") == (why == "later")
    assert seen("devinsync_paused") == (why == "paused")


def test_a_connection_that_is_refused_is_told(connection: Connection, scrape: Scrape) -> None:
    connection.mark_invalid("The API key is refused.")

    seen = scrape()

    assert seen("devinsync_connections", app="devin", state="refused") == 1
    assert seen("devinsync_connections", app="devin", state="accepted") == 0


def test_the_first_key_to_run_out_is_told(scrape: Scrape, somebody: Callable[..., User]) -> None:
    person, now = somebody("Operator"), timezone.now()
    for name, days in (("in a week", 7), ("in a day", 1), ("long ago", -30)):
        ApiToken.issue(person, name, expires_at=now + timedelta(days=days))
    revoked, _ = ApiToken.issue(person, "revoked", expires_at=now + timedelta(hours=1))
    revoked.revoke()

    told = scrape()("devinsync_key_expiry_timestamp_seconds", kind="api_token")

    assert told == pytest.approx((now + timedelta(days=1)).timestamp())


def test_the_first_key_of_used_connections_is_told_by_app(bench: Bench, scrape: Scrape, settings: LazySettings) -> None:
    used, now = bench.sync.connection, timezone.now()
    for name, days in (("unused", 1), (used.name, 7)):
        connection, _ = Connection.objects.get_or_create(name=name)
        KeyLife.objects.create(connection=connection, expires_at=now + timedelta(days=days), origin="entered")
    metric, of_each = (f"devinsync_{each}connection_key_expiry_timestamp_seconds" for each in ("", "each_"))

    seen = scrape()
    settings.METRICS_PER_SYNC = True
    seen_each = scrape()

    assert seen(metric, app="devin") == pytest.approx((now + timedelta(days=7)).timestamp())
    assert seen.labels(of_each) == set()
    assert seen_each(of_each, connection=used.name) == seen(metric, app="devin")
    assert seen_each.labels(of_each) == {(used.name,)}


def test_a_worker_that_was_killed_is_not_counted(queue_server: str, scrape: Scrape) -> None:
    queue = Queue("devinsync-test", connection=Redis.from_url(queue_server))
    for name in ("worker-1", "worker-2"):
        Bells(queue, name).show_alive()

    queue.connection.delete("rq:worker:worker-2")

    assert count_workers(queue) == 1
    assert scrape()("devinsync_queue_up") == 1


def test_a_queue_that_is_away_stops_no_scrape(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str) -> None:
        raise OSError

    monkeypatch.setattr("metrics.moment.django_rq.get_queue", away)

    seen = scrape()

    assert (seen("devinsync_queue_up"), seen("devinsync_workers")) == (0, 0)


def test_names_syncs_only_where_that_is_on(bench: Bench, scrape: Scrape, settings: LazySettings) -> None:
    bench.source(A="1")
    bench.run()
    names = [gauge.name for gauge in GAUGES_PER_SYNC]

    assert names
    assert [name for name in names if scrape().labels(name)] == []

    settings.METRICS_PER_SYNC = True
    seen = scrape()
    assert seen("devinsync_sync_state", project="acme-shop", sync="my-devin-sync", state="succeeded") == 1
    assert seen("devinsync_sync_synced_timestamp_seconds", project="acme-shop", sync="my-devin-sync") > 0


def test_starts_at_nought_so_that_the_first_event_is_a_rise(scrape: Scrape) -> None:
    seen = scrape()

    assert seen("devinsync_runs_total", operation="remove", outcome="blocked") == 0
    assert seen("devinsync_lease_takeovers_total") == 0
    assert seen("devinsync_change_lag_seconds_count") == 0
    assert {state for (state,) in seen.labels("devinsync_syncs")} == set(SYNC_STATES)


def test_tells_nothing_that_is_not_among_the_totals(client: Client, scrape: Scrape) -> None:
    """Whichever web process answers: another may answer the next scrape, and no number may go down."""
    scrape()

    text = client.get("/metrics", headers=AUTHORIZED).content.decode()

    assert 'devinsync_http_requests_total{area="metrics",status="200"} 0.0' in text
    assert scrape()("devinsync_http_requests_total", area="metrics", status="200") == 2


def test_a_scrape_costs_the_same_however_much_there_is(
    bench: Bench, scrape: Scrape, settings: LazySettings, client: Client
) -> None:
    settings.METRICS_PER_SYNC = True
    scrape()

    def statements() -> list[str]:
        with CaptureQueriesContext(database) as queries:
            client.get("/metrics", headers=AUTHORIZED)
        return [each["sql"] for each in queries]

    few = statements()
    _fill(bench.sync)

    assert len(statements()) == len(few) <= 15
    assert not [sql for sql in few if not sql.startswith("SELECT")]


def _fill(sync: DevinSync) -> None:
    environment = sync.project.environments.get(slug="dev")
    for number in range(20):
        folder = create_folder(environment, f"/more-{number}", by=ANYBODY)
        fields: dict[str, Any] = {"connection": sync.connection, "org_id": "org-more", "project": sync.project}
        more = DevinSync.objects.create(name=f"more-{number}", folder=folder, sync_status=Status.FAILED, **fields)
        SyncRun.objects.create(sync=more, sync_name=more.name, trigger=Trigger.MANUAL)
        Total.objects.create(name="devinsync_requests_total", labels=f'{{"app": "devin", "status": "{number}"}}')


def test_every_gauge_is_in_a_scrape(client: Client, token: str, settings: LazySettings) -> None:
    settings.METRICS_PER_SYNC = True

    text = client.get("/metrics", headers=AUTHORIZED).content.decode()

    assert [gauge.name for gauge in (*GAUGES, *GAUGES_PER_SYNC) if f"# TYPE {gauge.name} gauge" not in text] == []
