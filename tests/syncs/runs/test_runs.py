"""The life of a run: asked for, claimed, ended; at most one waits, and what was asked is never lost."""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.request_ids import request_id
from connections.models import Connection
from syncs.choices import BlockedReason, Operation, Outcome, Status, Trigger
from syncs.engine.lease import Lease
from syncs.errors import Blocked, DestinationProblem, NotRunnable, SyncError, TooManyRounds
from syncs.models import Destination, DevinSync, SyncControl, SyncRun, SyncRunChange
from syncs.runs import end, jobs
from syncs.runs.ask import request_run
from syncs.runs.claim import claim, is_kept_waiting
from syncs.runs.due import abandoned, waiting_for
from syncs.runs.wishes import Wishes
from tests.actors import ANYBODY
from vault.editing import delete_folder
from vault.models import Folder

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
MANUAL = Trigger.MANUAL
HOUR = timedelta(hours=1)
PASSING = TooManyRounds("Devin was away.")


@pytest.fixture
def ask(sync: DevinSync) -> "partial[SyncRun]":
    return partial(request_run, sync, trigger=MANUAL)


def claimed(run: SyncRun) -> tuple[SyncRun, Lease]:
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    found = claim(run.pk)
    assert found is not None
    return found


def started(run: SyncRun) -> SyncRun:
    return claimed(run)[0]


# Asking


def test_a_run_that_was_asked_for_waits(sync: DevinSync) -> None:
    user = User.objects.create_user("ada")
    token = request_id.set("req-1")

    run = request_run(sync, trigger=MANUAL, user=user)

    request_id.reset(token)
    run.refresh_from_db()
    assert (run.status, run.operation, run.attempt) == (Status.PENDING, Operation.SYNC, 0)
    assert (run.sync_name, run.org_id, run.connection) == ("my-devin-sync", "org-sandbox", sync.connection)
    assert (run.requested_by, run.request_id) == (user, "req-1")
    sync.refresh_from_db()
    assert (sync.sync_status, sync.last_sync_run_id) == (Status.PENDING, run.pk)


def test_nobody_in_particular_may_ask(sync: DevinSync) -> None:
    assert request_run(sync, trigger=Trigger.SCHEDULE, user=AnonymousUser()).requested_by is None


@pytest.mark.django_db(transaction=True)
def test_the_queue_hears_of_it_when_it_is_committed(sync: DevinSync, rung: list[str]) -> None:
    with transaction.atomic():
        run = request_run(sync, trigger=MANUAL)
        assert rung == []

    assert rung == [str(run.pk)]


@pytest.mark.django_db(transaction=True)
def test_and_never_of_one_that_is_not(sync: DevinSync, rung: list[str]) -> None:
    with transaction.atomic():
        request_run(sync, trigger=MANUAL)
        transaction.set_rollback(True)

    assert rung == []
    assert not SyncRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_away_fails_nobody(sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    def ring(run_id: UUID, project_id: UUID) -> bool:
        raise ConnectionError

    monkeypatch.setattr("syncs.runs.ask.ring", ring)

    assert request_run(sync, trigger=MANUAL).status == Status.PENDING


def test_a_second_trigger_joins_the_run_that_waits(ask: "partial[SyncRun]") -> None:
    first = ask()

    second = ask()

    assert second.pk == first.pk
    assert SyncRun.objects.get().trigger_count == 2


def test_the_database_allows_one_pending_run_a_sync(sync: DevinSync, ask: "partial[SyncRun]") -> None:
    ask()

    with pytest.raises(IntegrityError), transaction.atomic():
        SyncRun.objects.create(sync=sync, org_id=sync.org_id, trigger=MANUAL)


def test_a_removal_waits_beside_a_sync(ask: "partial[SyncRun]") -> None:
    assert ask().pk != ask(operation=Operation.REMOVE).pk


def test_a_trigger_during_a_run_makes_one_that_starts_after_it(ask: "partial[SyncRun]") -> None:
    running = started(ask())

    waiting = ask()
    ask()

    assert waiting.pk != running.pk
    assert SyncRun.objects.pending().get().trigger_count == 2
    assert claim(waiting.pk) is None


def test_what_a_trigger_wishes_is_added_to_the_run_that_waits(ask: "partial[SyncRun]") -> None:
    ask(wishes=Wishes(repushes_all=True))
    ask(wishes=Wishes(confirmed_deletions=["id-1"], accepts_rollback=True))
    ask(wishes=Wishes(confirms_any_deletion=False, confirmed_deletions=None))

    run = SyncRun.objects.get()
    assert (run.repushes_all, run.accepts_rollback, run.confirms_any_deletion) == (True, True, False)
    assert run.confirmed_deletions == ["id-1"]


def test_a_removal_from_another_organization_does_not_join(ask: "partial[SyncRun]") -> None:
    ask(operation=Operation.REMOVE)

    with pytest.raises(NotRunnable, match="from org-sandbox is still queued"):
        ask(operation=Operation.REMOVE, wishes=Wishes(org_id="org-before"))


def test_a_disabled_sync_runs_for_no_trigger(sync: DevinSync, ask: "partial[SyncRun]") -> None:
    sync.is_enabled = False

    with pytest.raises(NotRunnable, match=r"“my-devin-sync” is disabled\. Enable it, then sync again\."):
        ask()
    assert ask(operation=Operation.REMOVE).status == Status.PENDING


def test_a_sync_whose_folder_is_gone_does_not_run(sync: DevinSync, folder: Folder) -> None:
    delete_folder(folder, by=ANYBODY)
    sync.refresh_from_db()

    with pytest.raises(NotRunnable, match=r"dev:/my-secrets of “my-devin-sync” no longer exists\. Choose another"):
        request_run(sync, trigger=MANUAL)


# Bursts


def test_a_trigger_after_a_quiet_time_starts_at_once(ask: "partial[SyncRun]") -> None:
    assert ask().not_before is None


def test_one_soon_after_a_start_waits_a_moment(ask: "partial[SyncRun]", settings: LazySettings) -> None:
    started(ask())

    waiting = ask()

    assert waiting.not_before is not None
    assert timedelta(0) < waiting.not_before - timezone.now() <= settings.SYNC_QUIET_TIME


def test_a_burst_puts_it_off_but_only_so_far(ask: "partial[SyncRun]", settings: LazySettings) -> None:
    started(ask())
    waiting = ask()
    long_ago = timezone.now() - timedelta(hours=1)
    SyncRun.objects.filter(pk=waiting.pk).update(queued_at=long_ago)

    waiting = ask()

    assert waiting.not_before == long_ago + settings.SYNC_LONGEST_WAIT


def test_a_person_who_asks_does_not_wait_for_the_back_off(ask: "partial[SyncRun]", rung: list[str]) -> None:
    run = started(ask())
    end.retry_or_fail(run, PASSING)
    SyncRun.objects.update(not_before=timezone.now() + timedelta(minutes=5))

    assert ask(trigger=Trigger.CHANGE).not_before is not None
    assert ask().not_before is None


# Claiming


def test_a_claimed_run_is_running_under_a_lease(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run, lease = claimed(ask())

    run.refresh_from_db()
    assert (run.status, run.attempt) == (Status.RUNNING, 1)
    assert run.started_at is not None
    destination = Destination.objects.get()
    assert (destination.lease_run_id, destination.epoch) == (run.pk, lease.epoch)
    sync.refresh_from_db()
    assert sync.sync_status == Status.RUNNING


def test_nobody_claims_it_twice(ask: "partial[SyncRun]") -> None:
    run = started(ask())

    assert claim(run.pk) is None


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.BLOCKED, Status.CANCELLED])
def test_nobody_claims_one_that_has_ended(ask: "partial[SyncRun]", status: Status) -> None:
    run = ask()
    SyncRun.objects.update(status=status)

    assert claim(run.pk) is None


def test_nobody_claims_one_that_is_not_there(ask: "partial[SyncRun]") -> None:
    assert claim(uuid4()) is None


def test_nobody_claims_one_before_its_time(ask: "partial[SyncRun]") -> None:
    run = ask()
    SyncRun.objects.update(not_before=timezone.now() + timedelta(seconds=30))

    assert claim(run.pk) is None


def test_nobody_claims_one_while_all_syncs_are_paused(ask: "partial[SyncRun]") -> None:
    run = ask()
    SyncControl.get()
    SyncControl.objects.update(is_paused=True)
    assert claim(run.pk) is None

    SyncControl.objects.update(is_paused=False)

    assert claim(run.pk) is not None


def test_two_syncs_of_one_organization_take_turns(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)
    waiting = request_run(second, trigger=MANUAL)
    run, lease = claimed(ask())

    assert claim(waiting.pk) is None
    assert waiting_for(run) == [(waiting.pk, second.project_id)]
    lease.release()

    assert claim(waiting.pk) is not None


def test_a_bell_for_an_organization_that_is_busy_takes_no_lock(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    second = DevinSync.objects.get()
    second.pk, second.name = UUID(int=1), "second"
    second.save(force_insert=True)
    waiting = request_run(second, trigger=MANUAL)
    _, lease = claimed(ask())

    with CaptureQueriesContext(connection) as queries:
        jobs.run_sync(str(waiting.pk))

    assert len(queries) == 1
    assert is_kept_waiting(waiting.pk)
    lease.release()
    assert not is_kept_waiting(waiting.pk)


def test_nor_is_one_kept_waiting_that_is_only_to_be_ended(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    waiting = ask()
    Destination.objects.create(
        base_url=sync.connection.base_url, org_id=sync.org_id, lease_holder="x", lease_expires_at=timezone.now() + HOUR
    )
    assert is_kept_waiting(waiting.pk)
    DevinSync.objects.update(is_enabled=False)

    assert not is_kept_waiting(waiting.pk)
    assert not is_kept_waiting(uuid4())


def test_a_run_of_another_organization_does_not_wait(ask: "partial[SyncRun]") -> None:
    second = DevinSync.objects.get()
    second.pk, second.name, second.org_id = UUID(int=1), "second", "org-second"
    second.save(force_insert=True)
    started(ask())

    assert claim(request_run(second, trigger=MANUAL).pk) is not None


def test_one_whose_sync_was_disabled_meanwhile_is_cancelled(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask()
    DevinSync.objects.update(is_enabled=False)

    assert claim(run.pk) is None

    run.refresh_from_db()
    assert (run.status, run.message) == (Status.CANCELLED, "The sync was disabled before the run started.")


def test_one_whose_sync_was_deleted_is_cancelled(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask()
    DevinSync.objects.all().delete()

    assert claim(run.pk) is None

    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert run.sync_name == "my-devin-sync"


def test_a_removal_of_a_disabled_sync_is_carried_out(ask: "partial[SyncRun]") -> None:
    run = ask(operation=Operation.REMOVE)
    DevinSync.objects.update(is_enabled=False)

    assert claim(run.pk) is not None


def test_one_over_a_limited_connection_waits_for_it(ask: "partial[SyncRun]") -> None:
    run = ask()
    until = timezone.now() + timedelta(minutes=3)
    Connection.objects.update(rate_limited_until=until)

    assert claim(run.pk) is None

    run.refresh_from_db()
    assert (run.status, run.not_before) == (Status.PENDING, until)


def test_a_run_goes_where_its_sync_points_when_it_starts(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask()
    DevinSync.objects.update(org_id="org-second")

    run = started(run)

    assert run.destination is not None
    assert (run.org_id, run.destination.org_id) == ("org-second", "org-second")


def test_what_was_confirmed_for_one_organization_is_not_for_another(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask(
        wishes=Wishes(
            confirms_any_deletion=True, accepts_rollback=True, confirmed_deletions=["id-1"], repushes_all=True
        )
    )
    DevinSync.objects.update(org_id="org-second")

    run = started(run)

    run.refresh_from_db()
    assert (run.confirms_any_deletion, run.accepts_rollback, run.confirmed_deletions) == (False, False, None)
    assert run.repushes_all


def test_a_removal_stays_where_it_was_asked_for(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask(operation=Operation.REMOVE)
    DevinSync.objects.update(org_id="org-second")

    assert started(run).org_id == "org-sandbox"


# A worker that died


def let_lease_expire() -> None:
    Destination.objects.update(lease_expires_at=Now() - timedelta(seconds=1))


def test_a_dead_workers_run_is_found_and_taken_over(ask: "partial[SyncRun]") -> None:
    run = started(ask())
    assert list(abandoned()) == []

    let_lease_expire()

    assert list(abandoned()) == [run]
    again, lease = claimed(run)
    assert (again.attempt, lease.was_taken_over) == (2, True)
    assert again.started_at == run.started_at


def test_one_that_was_rung_for_lately_is_not_rung_for_again(ask: "partial[SyncRun]", settings: LazySettings) -> None:
    run = started(ask())
    let_lease_expire()
    SyncRun.objects.update(rung_at=timezone.now())
    assert list(abandoned()) == []

    SyncRun.objects.update(rung_at=timezone.now() - settings.SYNC_RING_AGAIN - timedelta(seconds=1))

    assert list(abandoned()) == [run]


def test_one_whose_organization_somebody_else_holds_is_abandoned(ask: "partial[SyncRun]") -> None:
    run = started(ask())
    Destination.objects.update(lease_run_id=uuid4())

    assert list(abandoned()) == [run]
    assert claim(run.pk) is None


def test_a_run_whose_worker_dies_each_time_is_given_up(ask: "partial[SyncRun]") -> None:
    run = ask()
    for _ in range(end.MAX_ATTEMPTS):
        claimed(run)
        let_lease_expire()

    assert claim(run.pk) is None

    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "The worker died in each of 5 attempts." in run.message


# Ending


def test_success_is_told_to_the_sync(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = started(ask())

    end.succeed(run)

    sync.refresh_from_db()
    assert (run.is_finished, run.needs_person) == (True, False)
    assert (sync.sync_status, sync.last_sync_message) == (Status.SUCCEEDED, "")
    assert sync.last_synced_at == run.finished_at
    assert sync.next_reconcile_at is not None


def test_failure_is_told_to_the_sync(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = started(ask())

    end.fail(run, "Enter a valid key.")

    sync.refresh_from_db()
    assert (run.status, run.needs_person) == (Status.FAILED, True)
    assert (sync.sync_status, sync.last_sync_message, sync.last_synced_at) == (
        Status.FAILED, "Enter a valid key.", None,
    )  # fmt: skip


def test_a_block_keeps_its_reason(ask: "partial[SyncRun]") -> None:
    run = started(ask())

    end.block(run, Blocked("Too many.", reason=BlockedReason.TOO_MANY_DELETIONS))

    run.refresh_from_db()
    assert (run.status, run.blocked_reason, run.message) == (Status.BLOCKED, "too_many_deletions", "Too many.")


def test_a_sync_with_a_later_run_waiting_stays_queued(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = started(ask())
    waiting = ask()

    end.fail(run, "No.")

    sync.refresh_from_db()
    assert (sync.sync_status, sync.last_sync_run_id) == (Status.PENDING, waiting.pk)
    assert sync.last_sync_message == "No."


def test_a_removal_reports_apart(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = started(ask(operation=Operation.REMOVE))

    end.succeed(run)

    sync.refresh_from_db()
    assert (sync.remove_status, sync.sync_status) == (Status.SUCCEEDED, "")
    assert sync.last_removed_at == run.finished_at
    assert sync.last_synced_at is None


def test_a_removal_may_take_the_sync_with_it(ask: "partial[SyncRun]") -> None:
    run = started(ask(operation=Operation.REMOVE, wishes=Wishes(removes_sync=True)))

    end.succeed(run)

    assert not DevinSync.objects.exists()
    run = SyncRun.objects.get()
    assert (run.sync, run.sync_name, run.status) == (None, "my-devin-sync", Status.SUCCEEDED)


def test_but_only_if_it_succeeded(ask: "partial[SyncRun]") -> None:
    end.fail(started(ask(operation=Operation.REMOVE, wishes=Wishes(removes_sync=True))), "No.")

    assert DevinSync.objects.exists()


def test_counters_are_counted_from_the_rows(ask: "partial[SyncRun]") -> None:
    run = started(ask())
    rows = [
        ("create", Outcome.DONE),
        ("replace", Outcome.DONE),
        ("delete", Outcome.FAILED),
        ("create", Outcome.PLANNED),
    ]
    for number, (action, outcome) in enumerate(rows):
        SyncRunChange.objects.create(run=run, action=action, destination_key=f"K{number}", outcome=outcome)

    end.succeed(run)

    run.refresh_from_db()
    assert (run.created_count, run.replaced_count, run.deleted_count, run.failed_count) == (1, 1, 0, 1)
    assert run.summary == "1 created, 1 replaced, 1 failed"


def test_cancelling_ends_what_waits(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = ask()

    assert end.cancel(run.pk, "Cancelled by ada.")

    sync.refresh_from_db()
    assert (sync.sync_status, sync.last_sync_message) == (Status.CANCELLED, "Cancelled by ada.")
    assert claim(run.pk) is None


def test_what_runs_is_not_cancelled(ask: "partial[SyncRun]") -> None:
    run = started(ask())

    assert not end.cancel(run.pk, "Cancelled by ada.")
    assert not end.cancel(uuid4(), "Cancelled by ada.")


# Trying again


def test_a_fault_that_can_pass_puts_the_same_run_back(ask: "partial[SyncRun]", sync: DevinSync) -> None:
    run = started(ask())

    end.retry_or_fail(run, PASSING)

    run.refresh_from_db()
    assert (run.status, run.attempt, run.message) == (Status.PENDING, 1, "Devin was away.")
    assert run.not_before is not None
    sync.refresh_from_db()
    assert sync.sync_status == Status.PENDING


def test_until_it_has_had_its_share_of_attempts(ask: "partial[SyncRun]") -> None:
    run = ask()
    SyncRun.objects.update(attempt=end.MAX_ATTEMPTS - 1)
    run = started(run)

    end.retry_or_fail(run, PASSING)

    assert (run.status, run.message) == (Status.FAILED, "Devin was away. Given up after 5 attempts.")


def test_a_later_run_that_waits_tries_instead(ask: "partial[SyncRun]") -> None:
    run = started(ask())
    waiting = ask()

    end.retry_or_fail(run, PASSING)

    assert (run.status, run.message) == (Status.FAILED, "Devin was away. A later run is queued and tries again.")
    assert SyncRun.objects.pending().get() == waiting


def test_the_pauses_grow(settings: LazySettings) -> None:
    settings.SYNC_RETRY_BASE = timedelta(seconds=3)

    delays = [[end.retry_delay(attempt, PASSING) for _ in range(50)] for attempt in (1, 2, 3, 4, 30)]

    for number, exact in enumerate([3, 6, 12, 24, 900]):
        assert all(timedelta(seconds=exact / 2) <= delay <= timedelta(seconds=exact) for delay in delays[number])
    assert len(set(delays[0])) > 10


def test_a_pause_is_never_shorter_than_devin_asked() -> None:
    asked = DestinationProblem("Wait.", retryable=True, retry_after=timedelta(minutes=5))
    too_much = DestinationProblem("Wait.", retryable=True, retry_after=timedelta(days=1))

    assert end.retry_delay(1, asked) == timedelta(minutes=5)
    assert end.retry_delay(1, too_much) == end.LONGEST_RETRY


def test_a_message_too_long_is_cut(ask: "partial[SyncRun]") -> None:
    run = started(ask())

    end.retry_or_fail(run, SyncError("x" * 5000, retryable=True))

    run.refresh_from_db()
    assert len(run.message) == 1024
