"""The queue's entry point: takes an id, returns nothing, and lets no exception out with more than its type's name."""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections

from common import tracing
from common.database_faults import is_database_fault
from common.places import places
from connections.devin.errors import DevinError, Unauthorized
from encryption import DecryptionError
from sources.copying.jobs import carry_out
from syncs.choices import Operation
from syncs.engine.destination import Organization
from syncs.engine.lease import Lease
from syncs.engine.reconcile import Reconcile
from syncs.engine.report import Report
from syncs.errors import AwaitsWave, Blocked, DestinationProblem, LeaseLost, Stopped, SyncError
from syncs.models import SyncRun
from syncs.runs import end, polling
from syncs.runs.again import ring_again, ring_receiver
from syncs.runs.claim import claim, is_kept_waiting
from syncs.runs.due import waiting_for
from syncs.runs.queue import noting_nothing, ring

log = logging.getLogger(__name__)

# Seconds between two looks whether the database is back, and after which the run is left to whoever finds it.
LOOK_AGAIN = 0.5
LONGEST_OUTAGE = 300.0
pause = time.sleep


class InternalError(Exception):
    """Stands in the queue for an error whose text might hold a value."""


def run_sync(run_id: str) -> None:
    """Carries out a run, if it is due and nobody else does.

    The id of a linked project asks to look for changes, and that of a copy to go on with it.
    """
    if is_kept_waiting(UUID(run_id)):
        return
    claimed = claim(UUID(run_id))
    if claimed is None:
        if not carry_out(UUID(run_id)):
            polling.look(UUID(run_id))
        return
    run, lease = claimed
    with lease:
        attempt(run, lease)
    with noting_nothing():
        for waiting, project_id in waiting_for(run):
            ring(waiting, project_id)


def attempt(run: SyncRun, lease: Lease) -> None:
    """One attempt, and the end that it deserves. What a person must mend ends the run; what can pass is tried again."""
    log.info("run %s of %s: attempt %s", run.pk, run.sync_name, run.attempt)
    told: dict[str, tracing.Attribute] = {
        "run": str(run.pk),
        "operation": run.operation,
        "trigger": run.trigger,
        "attempt": run.attempt,
    }
    with tracing.span("run", **told):
        try:
            finish(run, reconcile(run, lease))
        except Exception as error:
            tracing.note(stopped_by=type(error).__name__)
            end_of(error)(run, lease, error)
        finally:
            tracing.note(status=run.status)


def finish(run: SyncRun, report: Report) -> None:
    message = report.sentences(run)
    if report.blocked is not None:
        end.block(run, Blocked(message, reason=report.blocked.reason))
    elif report.is_clean:
        end.succeed(run, in_step=report.desired_count)
    elif problem := report.passing(run):
        end.retry_or_fail(run, problem)
    else:
        end.fail(run, message)


# What becomes of a run that an error ended


def leave_to_another(run: SyncRun, lease: Lease, error: LeaseLost) -> None:
    log.warning("run %s: another worker has taken over", run.pk)


def ask_a_person(run: SyncRun, lease: Lease, error: Blocked) -> None:
    end.block(run, error)


def say_what_is_left(run: SyncRun, lease: Lease, error: Stopped) -> None:
    end.stop(run)


def leave_to_its_wave(run: SyncRun, lease: Lease, error: AwaitsWave) -> None:
    end.await_wave(run)


def try_again_if_it_can_pass(run: SyncRun, lease: Lease, error: SyncError) -> None:
    tell_connection(run, error)
    if error.retryable:
        end.retry_or_fail(run, error)
    else:
        end.fail(run, error.message)


def try_again_with_the_database(run: SyncRun, lease: Lease, error: Exception) -> None:
    """A deadlock, a lock held for too long, a server that restarts or only reads. The text stays here: it may quote
    rows."""
    log.warning("run %s: the database failed (%s) at %s", run.pk, type(error).__name__, places(error))
    try_again_once_the_database_is_back(run, lease)


def say_what_failed(run: SyncRun, lease: Lease, error: Exception) -> None:
    end.fail(run, str(error))


def keep_the_type_alone(run: SyncRun, lease: Lease, error: Exception) -> None:
    """A bug of ours. Its text could hold anything; the run can be started again."""
    log.error("run %s ended by %s at %s", run.pk, type(error).__name__, places(error))
    end.fail(run, f"An internal error ({type(error).__name__}) ended the run. The log of the worker tells where.")
    raise InternalError(f"run {run.pk} ended by {type(error).__name__}") from None


End = Callable[[SyncRun, Lease, Any], None]
# The first line that an error fits.
ENDS: tuple[tuple[tuple[type[Exception], ...], End], ...] = (
    ((LeaseLost,), leave_to_another),
    ((Blocked,), ask_a_person),
    ((Stopped,), say_what_is_left),
    ((AwaitsWave,), leave_to_its_wave),
    ((SyncError,), try_again_if_it_can_pass),
    ((DevinError, DecryptionError), say_what_failed),
    ((Exception,), keep_the_type_alone),
)


def end_of(error: Exception) -> End:
    if is_database_fault(error):
        return try_again_with_the_database
    return next(ending for kinds, ending in ENDS if isinstance(error, kinds))


def try_again_once_the_database_is_back(run: SyncRun, lease: Lease) -> None:
    """A deadlock or a lock costs the attempt; a server that is away, the time until it is back.

    Whoever takes the organization meanwhile goes on with the run.
    """
    gives_up_at = time.monotonic() + LONGEST_OUTAGE
    while True:
        close_old_connections()
        try:
            if lease.renew():
                end.retry_or_fail(run, SyncError("The database failed for a moment.", retryable=True))
            return
        except (DatabaseError, InterfaceError) as error:
            if not is_database_fault(error):
                raise
            if time.monotonic() > gives_up_at:
                log.error("run %s: the database stays away (%s)", run.pk, type(error).__name__)
                return
        pause(LOOK_AGAIN)


def reconcile(run: SyncRun, lease: Lease) -> Report:
    """One attempt; what it leaves for a person to know."""
    assert run.sync is not None and run.connection is not None and run.destination is not None  # noqa: S101, PT018
    work = Reconcile(run, run.sync, run.destination, lease, ring=ring_receiver, ring_again=ring_again)
    with Organization.open(run.connection, run.org_id, fence=lease.check) as organization:
        if run.operation == Operation.SYNC:
            run.sync.check_address()
        try:
            report = work.reconcile(organization)
        finally:
            # Written with the attempt's end.
            run.requests_sent += organization.client.requests_sent
    if run.connection.is_valid is False:
        run.connection.mark_working()
    return report


def tell_connection(run: SyncRun, error: SyncError) -> None:
    """What a run learnt about its connection: how long to stay away, or that its key is refused."""
    if run.connection is None or not isinstance(error, DestinationProblem):
        return
    if error.retry_after:
        run.connection.mark_rate_limited(error.retry_after)
    if isinstance(error.__cause__, Unauthorized):
        run.connection.mark_invalid(error.message)
