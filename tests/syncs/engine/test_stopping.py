"""A run that a person cancels stops before its next write; no key stays away for it, and the next run goes on."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from sandbox.faults import Kind, Rule
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status, Trigger
from syncs.errors import SyncError
from syncs.models import Destination, DevinSync, SyncRun, WriteIntent
from syncs.runs import end, jobs
from syncs.runs.ask import request_run
from syncs.runs.cancelling import cancel
from syncs.runs.claim import claim
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from tests.syncs.conftest import Bench
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]
KEYS = [f"KEY_{number:02}" for number in range(12)]
# One connection has one request under way and two at hand.
AT_MOST_BEGUN = 3


@pytest.fixture
def creating(bench: Bench) -> Bench:
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    bench.source(**dict.fromkeys(KEYS, "new"))
    return bench


@pytest.fixture(params=[Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW], ids=str)
def replacing(request: pytest.FixtureRequest, bench: Bench, sandbox: Sandbox) -> Bench:
    """Twelve keys were written, and all their values have changed since."""
    sandbox.settings.duplicates = request.param
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    bench.source(**dict.fromkeys(KEYS, "old"))
    bench.run()
    bench.source(**dict.fromkeys(KEYS, "new"))
    sandbox.clear_traffic()
    return bench


def cancel_at(bench: Bench, rule: Rule, *, operation: Operation = Operation.SYNC) -> SyncRun:
    """Runs, and cancels while the request that the rule holds is on its way."""
    run = request_run(bench.sync, trigger=Trigger.MANUAL, operation=operation)
    worker = threading.Thread(target=bench.carry_out, args=(run,))
    worker.start()
    assert rule.reached.wait(PATIENCE)
    assert cancel(run.pk, by="ada") == Status.RUNNING
    rule.release()
    worker.join()
    run.refresh_from_db()
    return run


def test_begins_with_no_further_key(creating: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    run = cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="POST"))

    assert run.status == Status.CANCELLED
    written = set(organization.values())
    assert 1 <= len(written) <= AT_MOST_BEGUN
    assert set(run.changes.filter(outcome=Outcome.DONE).values_list("destination_key", flat=True)) == written
    left = set(run.changes.filter(outcome=Outcome.NOT_ATTEMPTED).values_list("destination_key", flat=True))
    assert left == set(KEYS) - written
    assert not WriteIntent.objects.open().exists()


def test_says_who_did_it_what_is_done_and_what_is_left(creating: Bench, sandbox: Sandbox) -> None:
    run = cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="POST"))

    done = run.created_count
    left = sorted(run.changes.filter(outcome=Outcome.NOT_ATTEMPTED).values_list("destination_key", flat=True))
    assert run.message.startswith(f"Cancelled by ada: {done} of 12 changes ")
    assert f"Left to the next run: {', '.join(left[:10])}" in run.message
    creating.sync.refresh_from_db()
    assert (creating.sync.sync_status, creating.sync.last_sync_message) == (Status.CANCELLED, run.message)


def test_the_next_run_goes_on(creating: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    stopped = cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="POST"))

    run = creating.run()

    assert run.status == Status.SUCCEEDED
    assert run.created_count == 12 - stopped.created_count
    assert organization.values() == dict.fromkeys(KEYS, "new")


def test_writes_nothing_where_it_has_not_begun(
    creating: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="GET"))

    assert run.status == Status.CANCELLED
    assert run.message.startswith("Cancelled by ada: 0 of 12 changes were done by then.")
    assert not sandbox.log.writes()


def test_what_has_nothing_left_to_do_has_succeeded(
    creating: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    creating.run()

    run = cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="GET"))

    assert (run.status, run.kept_count) == (Status.SUCCEEDED, 12)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_key_that_it_has_begun_with_is_finished(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization, method: str
) -> None:
    run = cancel_at(replacing, sandbox.faults.add(Kind.HOLD, method=method))

    assert run.status == Status.CANCELLED
    assert {key: len(organization.with_key(key)) for key in KEYS} == dict.fromkeys(KEYS, 1)
    values = organization.values()
    done = set(run.changes.filter(outcome=Outcome.DONE).values_list("destination_key", flat=True))
    assert {key for key in KEYS if values[key] == "new"} == done
    assert len(done) <= AT_MOST_BEGUN
    assert not WriteIntent.objects.exclude(sealed_value="").exists()

    replacing.run()
    assert organization.values() == dict.fromkeys(KEYS, "new")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_key_that_is_absent_is_put_back(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int
) -> None:
    """Its old secret is gone, and the new one is not taken at once: that is done before the run ends."""
    sandbox.settings.duplicates = Duplicates.REJECT_409
    # With more, the other keys could all be done before the word to stop is heard.
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    bench.source(**dict.fromkeys(KEYS, "old"))
    bench.run()
    bench.source(**dict.fromkeys(KEYS, "new"))
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_00", status=status, skip=1)

    run = cancel_at(bench, sandbox.faults.add(Kind.HOLD, method="DELETE", key="KEY_00"))
    while run.status == Status.PENDING:
        run = bench.carry_out(run)

    assert run.status == Status.CANCELLED
    assert set(organization.values()) == set(KEYS)
    assert organization.values()["KEY_00"] == "new"


def left_absent(bench: Bench, sandbox: Sandbox) -> SyncRun:
    """A run that waits to be tried again, and a key that is absent meanwhile."""
    sandbox.settings.duplicates = Duplicates.REJECT_409
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    bench.source(**dict.fromkeys(KEYS, "old"))
    bench.run()
    bench.source(**dict.fromkeys(KEYS, "new"))
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_00", status=503, skip=1, times=None)
    run = bench.run()
    sandbox.faults.clear()
    sandbox.clear_traffic()
    return run


def test_a_run_that_waits_to_put_a_key_back_does_that_first(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = left_absent(bench, sandbox)
    assert (run.status, organization.with_key("KEY_00")) == (Status.PENDING, [])
    before = organization.values()

    assert cancel(run.pk, by="ada") == Status.RUNNING
    run = bench.carry_out(run)

    assert run.status == Status.CANCELLED
    assert organization.values() == before | {"KEY_00": "new"}
    assert [(one.method, one.key) for one in sandbox.log.writes()] == [("POST", "KEY_00")]


def test_whoever_asks_again_gets_a_whole_run(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    run = left_absent(bench, sandbox)
    cancel(run.pk, by="ada")

    assert request_run(bench.sync, trigger=Trigger.MANUAL) == run

    assert bench.carry_out(run).status == Status.SUCCEEDED
    assert organization.values() == dict.fromkeys(KEYS, "new")


def test_one_whose_worker_died_ends_at_the_next_attempt(creating: Bench, sandbox: Sandbox) -> None:
    run = request_run(creating.sync, trigger=Trigger.MANUAL)
    assert claim(run.pk) is not None
    assert cancel(run.pk, by="ada") == Status.RUNNING
    Destination.objects.update(lease_expires_at=Now() - timedelta(minutes=5))

    run = creating.carry_out(run)

    assert (run.status, run.attempt) == (Status.CANCELLED, 2)
    assert run.message == "Cancelled by ada before it wrote anything."
    assert not sandbox.log.writes()


def test_a_fault_that_could_pass_is_not_waited_for(creating: Bench) -> None:
    run = request_run(creating.sync, trigger=Trigger.MANUAL)
    claimed = claim(run.pk)
    assert claimed is not None
    cancel(run.pk, by="ada")

    end.retry_or_fail(claimed[0], SyncError("Devin was not there.", retryable=True))

    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_a_removal_stops_too(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    bench.source(**dict.fromkeys(KEYS, "new"))
    bench.run()
    rule = sandbox.faults.add(Kind.HOLD, method="DELETE")

    run = cancel_at(bench, rule, operation=Operation.REMOVE)

    assert run.status == Status.CANCELLED
    assert len(organization.values()) >= 12 - AT_MOST_BEGUN
    assert DevinSync.objects.filter(pk=bench.sync.pk).exists()


def test_what_waited_meanwhile_runs_whole(creating: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    """The word was for the one run: it goes with that run's lease."""
    cancel_at(creating, sandbox.faults.add(Kind.HOLD, method="POST"))
    set_secret(creating.folder, "MORE", "1", by=ANYBODY)

    for run in SyncRun.objects.pending():
        assert creating.carry_out(run).status == Status.SUCCEEDED
    assert creating.run().status == Status.SUCCEEDED
    assert organization.values() == dict.fromkeys(KEYS, "new") | {"MORE": "1"}


def a_waiting_run(bench: Bench) -> SyncRun:
    return request_run(bench.sync, trigger=Trigger.MANUAL)


def an_ended_run(bench: Bench) -> SyncRun:
    return bench.run()


@pytest.mark.parametrize(("make", "becomes"), [(a_waiting_run, Status.CANCELLED), (an_ended_run, None)])
def test_others_end_at_once_or_have_ended(
    bench: Bench, make: Callable[[Bench], SyncRun], becomes: Status | None
) -> None:
    bench.source(A="1")
    run = make(bench)

    assert cancel(run.pk, by="ada") == becomes
    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert run.status == (becomes or Status.SUCCEEDED)
