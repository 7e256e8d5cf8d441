"""Whose run it is: who may join it, start it again, end it, or stand in for it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from sandbox.faults import Kind
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.engine.changes import Plan
from syncs.engine.lease import Lease
from syncs.engine.ledger import Ledger
from syncs.errors import LeaseLost, NotRunnable, SyncError
from syncs.models import Destination, DevinSync, SyncRun
from syncs.runs import end, schedule
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from syncs.runs.wishes import Wishes
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


# Joining


def test_a_removal_does_not_join_one_of_another_organization(bench: Bench) -> None:
    request_run(bench.sync, trigger=Trigger.EDIT, operation=Operation.REMOVE, wishes=Wishes(org_id="org-before"))

    with pytest.raises(NotRunnable, match="org-before"):
        request_run(bench.sync, trigger=Trigger.MANUAL, operation=Operation.REMOVE, wishes=Wishes(removes_sync=True))

    assert not SyncRun.objects.pending().get().removes_sync


def test_who_confirms_is_on_record_also_if_the_run_waits_already(bench: Bench) -> None:
    editor, ada = User.objects.create_user("editor"), User.objects.create_user("ada")
    run = request_run(bench.sync, trigger=Trigger.CHANGE, user=editor)

    request_run(bench.sync, trigger=Trigger.MANUAL, user=ada, wishes=Wishes(confirmed_deletions=["id-1"]))
    request_run(bench.sync, trigger=Trigger.CHANGE, user=editor)

    run.refresh_from_db()
    assert (run.trigger, run.requested_by, run.confirmed_deletions) == (Trigger.MANUAL, ada, ["id-1"])


# Starting


def test_a_second_ring_leaves_a_run_under_way_alone(bench: Bench) -> None:
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    assert claim(run.pk) is not None

    DevinSync.objects.update(is_enabled=False)
    assert claim(run.pk) is None
    run.refresh_from_db()
    assert run.status == Status.RUNNING

    DevinSync.objects.update(is_enabled=True, org_id="org-another")
    assert claim(run.pk) is None
    run.refresh_from_db()
    assert (run.attempt, run.org_id) == (1, "org-sandbox")


def test_the_oldest_of_many_waiting_runs_is_rung_first(bench: Bench, rung: list[str]) -> None:
    def waiting(age: int) -> SyncRun:
        return SyncRun(
            sync_name="x", org_id="org-x", trigger=Trigger.MANUAL, queued_at=timezone.now() - timedelta(minutes=age)
        )

    SyncRun.objects.bulk_create([waiting(1) for _ in range(100)])
    oldest = waiting(60)
    oldest.save()
    rung.clear()

    schedule.tick()

    assert str(oldest.pk) in rung


# Ending


def test_an_outage_that_outlasts_a_run_is_looked_at_again_after_the_interval(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.STATUS, method="GET", status=503, times=None)

    run = bench.run()
    for _ in range(4):
        bench.carry_out(run)

    assert run.status == Status.FAILED
    assert bench.sync.next_reconcile_at is not None
    assert bench.sync.next_reconcile_at < timezone.now() + timedelta(minutes=17)


def taken_over(bench: Bench) -> tuple[SyncRun, Lease, SyncRun, Lease]:
    """A run as a worker knows it that was away for too long, and as the one that took it over does."""
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    first = claim(run.pk)
    Destination.objects.update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    second = claim(run.pk)
    assert first is not None
    assert second is not None
    return *first, *second


def test_a_worker_that_was_away_does_not_end_the_run_of_another(bench: Bench) -> None:
    late, _, current, _ = taken_over(bench)

    end.succeed(late)
    end.fail(late, "late")
    end.retry_or_fail(late, SyncError("late", retryable=True))

    current.refresh_from_db()
    assert (current.status, current.message) == (Status.RUNNING, "")
    end.succeed(current)
    end.fail(late, "late")
    current.refresh_from_db()
    assert current.status == Status.SUCCEEDED


def test_a_worker_that_was_away_leaves_the_ledger_alone(bench: Bench) -> None:
    bench.source(A="1")
    late, lease, *_ = taken_over(bench)
    assert late.destination is not None
    ledger = Ledger(late, bench.sync, late.destination, lease)

    for late_write in (
        ledger.start_attempt,
        lambda: ledger.settle([]),
        lambda: ledger.write_plan(Plan()),
        lambda: ledger.finish(Plan(), {}, {}),
    ):
        with pytest.raises(LeaseLost):
            late_write()


def test_a_wish_passes_to_the_later_run_that_stands_in(bench: Bench) -> None:
    run = request_run(
        bench.sync, trigger=Trigger.MANUAL, wishes=Wishes(repushes_all=True, confirmed_deletions=["id-1"])
    )
    claimed = claim(run.pk)
    assert claimed is not None
    later = request_run(bench.sync, trigger=Trigger.CHANGE)

    end.retry_or_fail(claimed[0], SyncError("An outage.", retryable=True))

    later.refresh_from_db()
    assert later.repushes_all
    assert later.confirmed_deletions == ["id-1"]
