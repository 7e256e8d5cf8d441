"""The queue's entry point: carries a run out to the end that it deserves, and lets out no more than an error's type."""

import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, connection
from django.db.models import F
from django.forms.models import model_to_dict
from django.utils import timezone
from psycopg import errors

from connections.models import Connection
from encryption import DecryptionError
from sandbox.faults import Kind
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import BlockedReason, Status, Trigger
from syncs.engine.lease import Lease
from syncs.errors import Blocked, DestinationProblem, LeaseLost, SourceProblem
from syncs.models import Destination, DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.due import abandoned
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from tests.syncs.conftest import API_KEY, Bench
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True)]
CANARY = "canary-b2c7-value"


@pytest.fixture
def run(bench: Bench) -> SyncRun:
    bench.source(A=CANARY)
    return SyncRun.objects.get()


def test_carries_out_a_run(run: SyncRun, organization: SandboxOrganization) -> None:
    assert jobs.run_sync(str(run.pk)) is None  # type: ignore[func-returns-value]

    run.refresh_from_db()
    assert (run.status, run.requests_sent) == (Status.SUCCEEDED, 2)
    assert organization.values() == {"A": CANARY}
    assert Destination.objects.get().lease_holder == ""


def test_a_second_job_for_the_same_run_does_nothing(run: SyncRun, sandbox: Sandbox) -> None:
    jobs.run_sync(str(run.pk))
    sandbox.clear_traffic()

    jobs.run_sync(str(run.pk))

    assert not sandbox.log.requests()


def test_a_job_for_a_run_that_is_not_there_does_nothing(sandbox: Sandbox, db: None) -> None:
    jobs.run_sync(str(uuid4()))

    assert not sandbox.log.requests()


def test_rings_for_the_runs_that_it_kept_waiting(run: SyncRun, rung: list[str]) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)
    waiting = request_run(second, trigger=Trigger.MANUAL)
    rung.clear()

    jobs.run_sync(str(run.pk))

    assert rung == [str(waiting.pk)]


def test_a_lost_lease_leaves_the_run_to_whoever_took_it(
    run: SyncRun, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: Lease) -> None:
        raise LeaseLost("Another worker has taken over.")

    monkeypatch.setattr(Lease, "check", lose)

    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert not sandbox.log.writes()
    assert list(abandoned()) == [run]


def test_requests_add_up_over_the_attempts(bench: Bench, run: SyncRun, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.WRONG_TOTAL)
    jobs.run_sync(str(run.pk))

    bench.carry_out(run)

    assert (run.status, run.attempt) == (Status.SUCCEEDED, 2)
    assert run.requests_sent == len(sandbox.log.requests()) == 3


def test_a_later_attempt_forgets_what_the_one_before_planned(bench: Bench, run: SyncRun, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.RATE_LIMITED, method="POST", retry_after=10**6)
    jobs.run_sync(str(run.pk))
    Connection.objects.update(rate_limited_until=None)
    set_secret(bench.folder, "B", "2", by=ANYBODY)

    bench.carry_out(run)

    assert sorted(run.changes.values_list("destination_key", flat=True)) == ["A", "B"]
    assert run.created_count == 2


# A bug of ours, and what must not get out


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine fails with a text that holds a value."""

    def fail(*args: object) -> None:
        secret = CANARY
        raise RuntimeError(f"unexpected {secret}") from ValueError(secret)

    monkeypatch.setattr("syncs.engine.reconcile.Reconcile.reconcile", fail)


def test_a_bug_ends_the_run_and_is_told_by_its_type(run: SyncRun, bug: None) -> None:
    with pytest.raises(jobs.InternalError) as raised:
        jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.message == "An internal error (RuntimeError) ended the run. The log of the worker tells where."
    assert str(raised.value) == f"run {run.pk} ended by RuntimeError"
    assert Destination.objects.get().lease_holder == ""


def test_the_log_says_where_and_not_what(run: SyncRun, bug: None, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(jobs.InternalError) as raised:
        jobs.run_sync(str(run.pk))

    assert "ended by RuntimeError at" in caplog.text
    assert "test_jobs.py" in caplog.text
    assert CANARY not in caplog.text
    # This is what the queue keeps of a job that failed.
    assert CANARY not in "".join(traceback.format_exception(raised.value))
    assert CANARY.encode() not in pickle.dumps(raised.value)


def refuse_and_repeat(bench: Bench, sandbox: Sandbox) -> None:
    body = f'{{"detail": [{{"msg": "Value error: {CANARY}", "input": "{CANARY}"}}]}}'
    sandbox.faults.add(Kind.STATUS, method="POST", status=422, body=body, times=None)


def fail_and_repeat(bench: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.STATUS, method="POST", status=500, body=CANARY, times=None)


def call_it_taken(bench: Bench, sandbox: Sandbox) -> None:
    body = f'{{"detail": "{CANARY} already exists"}}'
    sandbox.faults.add(Kind.STATUS, method="POST", status=409, body=body, times=None)


def repeat_credentials(bench: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.STATUS, method="GET", status=401, body=f'{{"detail": "{API_KEY} is revoked"}}')


def break_a_reference(bench: Bench, sandbox: Sandbox) -> None:
    set_secret(bench.folder, "BROKEN", f"{CANARY} ${{NOT_THERE}}", by=ANYBODY)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "trouble", [refuse_and_repeat, fail_and_repeat, call_it_taken, repeat_credentials, break_a_reference]
)
def test_no_value_and_no_credential_gets_out(
    bench: Bench,
    run: SyncRun,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[Bench, Sandbox], None],
) -> None:
    caplog.set_level(logging.DEBUG)
    trouble(bench, sandbox)

    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert run.message
    for secret in (CANARY, API_KEY):
        assert secret not in run.message
        assert secret not in everything_stored()
        assert secret not in caplog.text


def test_nothing_gets_out_of_a_run_that_goes_well(
    bench: Bench, run: SyncRun, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, settings: LazySettings
) -> None:
    caplog.set_level(logging.DEBUG)

    jobs.run_sync(str(run.pk))
    bench.source(A=f"{CANARY} changed")
    bench.run()

    assert CANARY not in everything_stored()
    assert CANARY not in caplog.text
    assert CANARY not in repr(sandbox.log.requests())


def everything_stored() -> str:
    """All rows of all our tables, as text."""
    ours = ("syncs", "vault", "connections", "admin")
    models = [model for label in ours for model in apps.get_app_config(label).get_models()]
    return "\n".join(
        repr(model_to_dict(row)) + repr(vars(row)) for model in models for row in model._default_manager.all()
    )


# The database is away for a while


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between two looks whether it is back; they take no time."""
    found: list[float] = []
    monkeypatch.setattr(jobs, "pause", found.append)
    return found


def away(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The database fails in the middle of a run, and so often again when it is asked whether it is back."""
    renew, left = Lease.renew, [times]

    def fail(*args: object) -> None:
        raise OperationalError("the server closed the connection: canary-value")

    def renew_later(self: Lease) -> bool:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database system is starting up")
        return renew(self)

    monkeypatch.setattr("syncs.engine.reconcile.Reconcile.reconcile", fail)
    monkeypatch.setattr(Lease, "renew", renew_later)


def test_a_run_outlasts_a_database_that_is_away(
    run: SyncRun, waits: list[float], monkeypatch: pytest.MonkeyPatch, bench: Bench, sandbox: Sandbox
) -> None:
    with monkeypatch.context() as patch:
        away(patch, 7)
        jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert len(waits) == 7
    assert (run.status, run.attempt) == (Status.PENDING, 1)
    assert run.message == "The database failed for a moment."
    assert Destination.objects.get().lease_holder == ""
    assert bench.carry_out(run).status == Status.SUCCEEDED


def test_also_if_its_lease_has_expired_and_nobody_came(
    run: SyncRun, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        Destination.objects.update(lease_expires_at=timezone.now() - timedelta(minutes=1))
        raise InterfaceError("the connection is closed")

    monkeypatch.setattr("syncs.engine.reconcile.Reconcile.reconcile", fail)

    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert run.status == Status.PENDING


def test_a_run_that_somebody_took_over_meanwhile_is_theirs(
    run: SyncRun, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        Destination.objects.update(lease_holder="another", epoch=F("epoch") + 1)
        raise OperationalError("gone")

    monkeypatch.setattr("syncs.engine.reconcile.Reconcile.reconcile", fail)

    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert (run.status, run.attempt) == (Status.RUNNING, 1)
    assert Destination.objects.get().lease_holder == "another"


def test_a_run_does_not_wait_for_a_database_for_ever(
    run: SyncRun, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LONGEST_OUTAGE", -1.0)
    away(monkeypatch, 2)

    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert (run.status, waits) == (Status.RUNNING, [])


@pytest.mark.postgresql
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_run_goes_on_after_the_server_cut_all_connections(
    bench: Bench, run: SyncRun, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    """As at a restart of the server: in the middle of a write, every connection of the run is gone."""
    rule = sandbox.faults.add(Kind.HOLD, method="POST")
    worker = Thread(target=carry_out_and_disconnect, args=(run,))
    worker.start()
    assert rule.reached.wait(PATIENCE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    rule.release()
    worker.join()

    run.refresh_from_db()
    assert (run.status, run.message) == (Status.PENDING, "The database failed for a moment.")
    assert run.not_before is not None
    assert bench.carry_out(run).status == Status.SUCCEEDED
    assert organization.values() == {"A": CANARY}


def carry_out_and_disconnect(run: SyncRun) -> None:
    jobs.run_sync(str(run.pk))
    connection.close()


class ReadOnly(InternalError):
    """What a standby says, as Django passes it on."""

    def __init__(self) -> None:
        super().__init__("cannot execute UPDATE in a read-only transaction")
        self.__cause__ = errors.ReadOnlySqlTransaction()


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (LeaseLost("Taken over."), jobs.leave_to_another),
        (Blocked("Too many.", reason=BlockedReason.TOO_MANY_DELETIONS), jobs.ask_a_person),
        (DestinationProblem("Devin is away.", retryable=True), jobs.try_again_if_it_can_pass),
        (SourceProblem("The folder is gone."), jobs.try_again_if_it_can_pass),
        (OperationalError("deadlock"), jobs.try_again_with_the_database),
        (InterfaceError("closed"), jobs.try_again_with_the_database),
        (ReadOnly(), jobs.try_again_with_the_database),
        (InternalError("a bug in SQL"), jobs.keep_the_type_alone),
        (DecryptionError("No key opens it."), jobs.say_what_failed),
        (ValueError(CANARY), jobs.keep_the_type_alone),
        (IntegrityError(CANARY), jobs.keep_the_type_alone),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else part.__name__,
)
def test_each_error_has_the_end_that_it_deserves(error: Exception, what: jobs.End) -> None:
    assert jobs.end_of(error) is what
