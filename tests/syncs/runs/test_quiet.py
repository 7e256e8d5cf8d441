"""Runs that only the schedule or a look for changes asked for leave no row where they have nothing to tell."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from sandbox.faults import Kind
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status, Strangers, Trigger
from syncs.models import Destination, SyncRun, WriteIntent
from syncs.runs import history, jobs, quiet
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.claim import claim
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause"), pytest.mark.postgresql]


@pytest.fixture
def synced(bench: Bench) -> Bench:
    bench.source(A="1", B="2")
    bench.runs.append(bench.run())
    return bench


def ask(bench: Bench, *, is_quiet: bool = True) -> SyncRun:
    """As the schedule does, whether or not the sync's time has come."""
    (run_id,) = request_runs([bench.sync.pk], trigger=Trigger.CHANGE, is_quiet=is_quiet)
    return SyncRun.objects.get(pk=run_id)


def carry_out(bench: Bench, run: SyncRun) -> SyncRun | None:
    """The row that it leaves."""
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    jobs.run_sync(str(run.pk))
    bench.sync.refresh_from_db()
    return SyncRun.objects.filter(pk=run.pk).first()


def test_leaves_no_row_where_nothing_has_changed(synced: Bench) -> None:
    before = synced.sync.last_synced_at

    assert carry_out(synced, ask(synced)) is None

    sync = synced.sync
    assert (sync.sync_status, sync.last_sync_message) == (Status.SUCCEEDED, "")
    assert sync.last_sync_run_id == synced.runs[0].pk
    assert (sync.in_step_count, sync.compared_count) == (2, 1)
    assert before is not None
    assert sync.last_synced_at is not None
    assert sync.last_synced_at > before
    assert sync.next_reconcile_at is not None
    assert not Destination.objects.exclude(lease_holder="").exists()


def test_each_is_counted(synced: Bench) -> None:
    for _ in range(3):
        assert carry_out(synced, ask(synced)) is None

    assert synced.sync.compared_count == 3
    assert SyncRun.objects.count() == 1


def test_what_a_person_asked_for_leaves_its_row(synced: Bench) -> None:
    assert synced.run().summary == "2 kept"
    assert synced.sync.compared_count == 0


def edit_in_devin(synced: Bench, organization: SandboxOrganization) -> None:
    (secret,) = organization.with_key("A")
    organization.delete(secret.secret_id)


def put_a_stranger(synced: Bench, organization: SandboxOrganization) -> None:
    synced.options(strangers=Strangers.ASK)
    organization.put(key="THEIRS", value="x")


def fail_before(synced: Bench, organization: SandboxOrganization) -> None:
    SyncRun.objects.update(status=Status.FAILED)


def cancel_before(synced: Bench, organization: SandboxOrganization) -> None:
    SyncRun.objects.update(status=Status.CANCELLED)


def warn_before(synced: Bench, organization: SandboxOrganization) -> None:
    SyncRun.objects.update(warnings=["Something that is not so any more."])


def forget_all_before(synced: Bench, organization: SandboxOrganization) -> None:
    WriteIntent.objects.all().delete()
    SyncRun.objects.all().delete()


@pytest.mark.parametrize(
    "happens", [edit_in_devin, put_a_stranger, fail_before, cancel_before, warn_before, forget_all_before]
)
def test_what_has_something_to_tell_leaves_its_row(
    synced: Bench, organization: SandboxOrganization, happens: Callable[[Bench, SandboxOrganization], None]
) -> None:
    happens(synced, organization)

    run = carry_out(synced, ask(synced))

    assert run is not None
    assert run.status == Status.SUCCEEDED
    assert synced.sync.last_sync_run_id == run.pk
    assert synced.sync.compared_count == 0


def test_so_does_one_that_fails(synced: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.STATUS, method="GET", status=401)

    run = carry_out(synced, ask(synced))

    assert run is not None
    assert run.status == Status.FAILED


def test_what_was_asked_before_is_no_news(synced: Bench, organization: SandboxOrganization) -> None:
    put_a_stranger(synced, organization)
    first = carry_out(synced, ask(synced))
    assert first is not None
    assert first.held_count == 1

    assert carry_out(synced, ask(synced)) is None

    assert synced.sync.last_sync_run_id == first.pk
    assert first.changes.get().outcome == Outcome.HELD


def test_that_nothing_is_asked_any_more_is(synced: Bench, organization: SandboxOrganization) -> None:
    put_a_stranger(synced, organization)
    assert carry_out(synced, ask(synced)) is not None
    (secret,) = organization.with_key("THEIRS")
    organization.delete(secret.secret_id)

    assert carry_out(synced, ask(synced)) is not None


def by_hand(bench: Bench, run: SyncRun) -> None:
    assert request_run(bench.sync, trigger=Trigger.MANUAL) == run


def by_a_change(bench: Bench, run: SyncRun) -> None:
    assert request_runs([bench.sync.pk], trigger=Trigger.CHANGE) == [run.pk]


def by_looking(bench: Bench, run: SyncRun) -> None:
    assert quiet.keep(run)


@pytest.mark.parametrize("comes", [by_hand, by_a_change, by_looking])
def test_whoever_comes_while_it_waits_finds_it_at_its_end(
    synced: Bench, comes: Callable[[Bench, SyncRun], None]
) -> None:
    run = ask(synced)
    comes(synced, run)

    left = carry_out(synced, run)

    assert left is not None
    assert left.status == Status.SUCCEEDED


def test_whoever_looks_while_it_runs_does_too(synced: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ask(synced)
    reconcile = jobs.reconcile

    def looked_at(claimed: SyncRun, *arguments: object) -> object:
        assert quiet.keep(SyncRun.objects.get(pk=run.pk))
        return reconcile(claimed, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "reconcile", looked_at)

    assert carry_out(synced, run) is not None


def test_whoever_comes_after_its_end_is_told_that_it_is_gone(synced: Bench) -> None:
    seen = ask(synced)
    carry_out(synced, seen)

    assert not quiet.keep(seen)


def test_the_schedule_makes_nobody_elses_run_quiet(synced: Bench) -> None:
    run = request_run(synced.sync, trigger=Trigger.MANUAL)

    assert ask(synced) == run

    assert carry_out(synced, run) is not None


def test_one_whose_worker_died_leaves_no_row_either(synced: Bench) -> None:
    run = ask(synced)
    SyncRun.objects.update(not_before=None)
    assert claim(run.pk) is not None
    Destination.objects.update(lease_expires_at=Now() - timedelta(minutes=5))

    assert carry_out(synced, run) is None
    assert synced.sync.compared_count == 1


def test_a_lease_that_its_worker_left_names_a_run_that_is_gone(synced: Bench) -> None:
    """Killed between the end of the run and the release of the lease: the next run takes it once it has expired."""
    run = ask(synced)
    carry_out(synced, run)
    Destination.objects.update(lease_holder="gone", lease_run_id=run.pk, lease_expires_at=Now() - timedelta(minutes=5))
    jobs.run_sync(str(run.pk))

    assert synced.run().status == Status.SUCCEEDED


def test_a_change_is_written_all_the_same(synced: Bench, organization: SandboxOrganization) -> None:
    set_secret(synced.folder, "A", "new", by=ANYBODY)

    run = carry_out(synced, ask(synced))

    assert run is not None
    assert run.replaced_count == 1
    assert organization.values() == {"A": "new", "B": "2"}


def test_a_removal_says_of_nothing_that_it_is_in_step(synced: Bench) -> None:
    synced.run(operation=Operation.REMOVE)

    assert synced.sync.in_step_count is None


def test_the_last_run_stays_however_old(synced: Bench) -> None:
    long_ago = timezone.now() - timedelta(days=4000)
    SyncRun.objects.update(queued_at=long_ago, finished_at=long_ago)
    older = SyncRun.objects.create(
        sync=synced.sync, trigger=Trigger.MANUAL, status=Status.SUCCEEDED, queued_at=long_ago, finished_at=long_ago
    )

    assert list(history.expired_runs()) == [older]
