"""Drift: what was changed in Devin is found by the next reconcile, repaired, and recorded with what differed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from common import clock
from connections.models import Connection
from sandbox.faults import Kind
from sandbox.organization import Organization as SandboxOrganization
from sandbox.organization import Secret as SandboxSecret
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Strangers, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun
from syncs.runs import jobs, schedule, triggers
from syncs.runs.ask_many import request_runs
from syncs.runs.due import next_reconcile
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import create_environment, create_folder, set_secrets
from vault.models import Folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]
SOURCE = {"A": "1", "B": "2"}


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves Django's clock on."""
    now = timezone.now
    ahead = timedelta(0)

    def pass_time(more: timedelta) -> None:
        nonlocal ahead
        ahead += more

    def later() -> datetime:
        return now() + ahead

    monkeypatch.setattr(timezone, "now", later)
    return pass_time


@pytest.fixture
def synced(bench: Bench) -> Bench:
    bench.source(**SOURCE)
    bench.run()
    return bench


def secret(organization: SandboxOrganization, key: str) -> SandboxSecret:
    (found,) = organization.with_key(key)
    return found


def carry_out_what_is_due(bench: Bench) -> SyncRun | None:
    """As the scheduler and a worker do."""
    schedule.tick()
    run = SyncRun.objects.due().first()
    if run is not None:
        jobs.run_sync(str(run.pk))
        bench.sync.refresh_from_db()
        # Where nothing had changed, it has left no row.
        return SyncRun.objects.filter(pk=run.pk).first() or run
    return run


# What was changed in Devin


def edit(organization: SandboxOrganization, **changed: Any) -> None:
    organization.change(secret(organization, "A").secret_id, **changed)


def delete(organization: SandboxOrganization) -> None:
    organization.delete(secret(organization, "A").secret_id)


def replace(organization: SandboxOrganization) -> None:
    delete(organization)
    organization.put(key="A", value="theirs")


# What a person did in Devin, and how the repair is recorded.
EDITS: dict[str, tuple[Callable[[SandboxOrganization], None], str, str]] = {
    "deleted": (delete, "create", "it was deleted in Devin"),
    "replaced by another": (replace, "replace", "it was replaced in Devin"),
    "value edited": (partial(edit, value="theirs"), "replace", "it was updated in Devin"),
    "note edited": (partial(edit, note="mine", updated_at=None), "replace", "its note was edited"),
    "type changed": (partial(edit, secret_type="totp", updated_at=None), "replace", "its type is totp"),
    "made readable": (partial(edit, is_sensitive=False, updated_at=None), "replace", "its sensitivity was changed"),
    "edited in several ways": (
        partial(edit, note="mine", secret_type="cookie"),
        "replace",
        "its type is cookie, its note was edited, it was updated in Devin",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_the_next_reconcile_finds_and_repairs_it(
    synced: Bench, organization: SandboxOrganization, pass_time: Callable[[timedelta], None], name: str
) -> None:
    edit_in_devin, action, reason = EDITS[name]
    edit_in_devin(organization)
    assert carry_out_what_is_due(synced) is None

    pass_time(timedelta(minutes=17))
    run = carry_out_what_is_due(synced)

    assert run is not None
    assert (run.status, run.trigger, run.drifted_count) == (Status.SUCCEEDED, Trigger.SCHEDULE, 1)
    row = run.changes.get()
    assert (row.action, row.destination_key, row.reason, row.is_drift) == (action, "A", reason, True)
    assert organization.values() == SOURCE
    assert secret(organization, "A").secret_type == "key-value"


def test_a_second_secret_of_a_key_is_deleted(synced: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="A", value="second")

    run = synced.run()

    assert changes(run) == ["delete A"]
    assert run.changes.get().is_stranger
    assert organization.values() == SOURCE


def test_what_nobody_touched_is_no_drift(synced: Bench, pass_time: Callable[[timedelta], None]) -> None:
    pass_time(timedelta(minutes=17))

    run = carry_out_what_is_due(synced)

    assert run is not None
    assert not SyncRun.objects.filter(pk=run.pk).exists()
    assert (synced.sync.in_step_count, synced.sync.compared_count) == (2, 1)


def test_a_repaired_secret_is_kept_from_then_on(synced: Bench, organization: SandboxOrganization) -> None:
    organization.change(secret(organization, "A").secret_id, note="mine")
    synced.run()

    run = synced.run()

    assert (run.kept_count, run.drifted_count) == (2, 0)


def test_drift_that_cannot_be_repaired_is_recorded_all_the_same(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    organization.delete(secret(organization, "A").secret_id)
    sandbox.refuse_value("A")

    run = synced.run()

    assert (run.status, run.drifted_count) == (Status.FAILED, 1)


# When


def test_a_reconcile_comes_after_the_interval_give_or_take_a_tenth(
    synced: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, interval, waits = timezone.now(), timedelta(minutes=15), []
    for step in range(100):
        now = begin + step * interval / 100
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        due_at = next_reconcile(synced.sync)
        assert due_at is not None
        waits.append((due_at - now) / interval)

    assert all(0.89 < wait < 1.11 for wait in waits)
    assert max(waits) - min(waits) > 0.05


def test_an_interval_of_zero_turns_it_off(synced: Bench, pass_time: Callable[[timedelta], None]) -> None:
    synced.options(reconcile_minutes=0)
    synced.run()

    pass_time(timedelta(days=30))

    assert synced.sync.next_reconcile_at is None
    assert carry_out_what_is_due(synced) is None


@pytest.mark.parametrize("options", [{"auto_sync_enabled": False}, {"is_enabled": False}, {"folder": None}])
def test_a_sync_that_may_not_run_by_itself_is_not_reconciled(
    synced: Bench, pass_time: Callable[[timedelta], None], options: dict[str, object]
) -> None:
    synced.options(**options)

    pass_time(timedelta(days=1))

    assert carry_out_what_is_due(synced) is None


def test_nothing_is_reconciled_while_all_syncs_are_paused(
    synced: Bench, pass_time: Callable[[timedelta], None]
) -> None:
    SyncControl.get()
    SyncControl.objects.update(is_paused=True)
    pass_time(timedelta(minutes=17))
    assert carry_out_what_is_due(synced) is None

    SyncControl.objects.update(is_paused=False)

    assert carry_out_what_is_due(synced) is not None


def test_a_scheduler_that_was_away_for_hours_asks_once(synced: Bench, pass_time: Callable[[timedelta], None]) -> None:
    pass_time(timedelta(hours=6))

    for _ in range(3):
        schedule.start_due_reconciles()

    assert SyncRun.objects.filter(trigger=Trigger.SCHEDULE).get().trigger_count == 1


def test_two_schedulers_ask_once(synced: Bench, pass_time: Callable[[timedelta], None]) -> None:
    pass_time(timedelta(minutes=17))
    seen_by_both = list(DevinSync.objects.due().values_list("pk", flat=True))

    for _ in range(2):
        request_runs(seen_by_both, trigger=Trigger.SCHEDULE)

    assert SyncRun.objects.filter(trigger=Trigger.SCHEDULE).get().trigger_count == 1


def test_an_outage_is_looked_at_again_on_the_schedule(
    synced: Bench, sandbox: Sandbox, pass_time: Callable[[timedelta], None]
) -> None:
    sandbox.directory.revoke_key("cog_sandbox")
    synced.run()
    sandbox.directory.declare_key("cog_sandbox", org_id="org-sandbox")

    pass_time(timedelta(minutes=67))
    run = carry_out_what_is_due(synced)

    assert run is not None
    assert run.status == Status.SUCCEEDED


# Doubts about values


def test_values_are_written_again_on_request(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sneaky = secret(organization, "A")
    organization.change(sneaky.secret_id, value="theirs", updated_at=sneaky.updated_at)
    assert synced.run().kept_count == 2

    run = synced.run(repushes_all=True)

    assert (run.replaced_count, run.drifted_count) == (2, 0)
    assert organization.values() == SOURCE


def test_each_is_written_again_once_even_after_an_unclear_answer(synced: Bench, sandbox: Sandbox) -> None:
    sandbox.clear_traffic()
    sandbox.faults.add(Kind.CUT, method="POST", key="A", moment="after", skip=1)

    run = synced.run(repushes_all=True)

    assert run.status == Status.SUCCEEDED
    committed = [entry.key for entry in sandbox.log.requests("POST") if entry.committed]
    assert sorted(str(key) for key in committed) == ["A", "B"]


# The sync was edited


def test_another_key_schema_cleans_up_the_old_names(synced: Bench, organization: SandboxOrganization) -> None:
    synced.options(key_schema="DEV_{{secretKey}}")

    run = synced.run()

    assert changes(run) == ["rename DEV_A", "rename DEV_B"]
    assert organization.values() == {"DEV_A": "1", "DEV_B": "2"}


def test_a_key_schema_leaves_what_does_not_match_it(bench: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="STRANGER", value="s")
    organization.put(key="DEV_OLD", value="o")
    bench.options(key_schema="{{environment}}_{{secretKey}}")
    bench.source(A="1")
    organization.put(key="dev_OLD", value="o")

    bench.run()

    assert organization.values() == {"STRANGER": "s", "DEV_OLD": "o", "dev_A": "1"}


def test_another_source_replaces_what_differs(synced: Bench, folder: Folder, organization: SandboxOrganization) -> None:
    environment = create_environment(folder.environment.project, name="Staging", slug="staging", by=ANYBODY)
    other = create_folder(environment, "/elsewhere", by=ANYBODY)
    set_secrets(other, {"A": "1", "C": "3"}, by=ANYBODY)
    synced.options(folder=other)

    run = synced.run()

    assert changes(run) == ["create C", "delete B"]
    assert organization.values() == {"A": "1", "C": "3"}


def test_another_organization_starts_afresh_and_leaves_the_old_one(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    second = sandbox.directory.declare_organization("org-second")
    sandbox.directory.declare_key("cog_second", org_id="org-second")
    connection = Connection.objects.get()
    connection.set_api_key("cog_second")
    connection.save()
    synced.options(org_id="org-second")

    run = synced.run()

    assert changes(run) == ["create A", "create B"]
    assert second.values() == organization.values() == SOURCE
    assert ManagedSecret.objects.count() == 4


def test_the_secrets_of_the_organization_before_can_be_removed(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    second = sandbox.directory.declare_organization("org-second")
    old = Connection.objects.get()
    new = Connection(name="second", base_url=sandbox.url)
    sandbox.directory.declare_key("cog_second", org_id="org-second")
    new.set_api_key("cog_second")
    new.save()
    synced.options(org_id="org-second", connection=new)
    synced.run()

    run = synced.run(operation=Operation.REMOVE, connection_id=old.pk, org_id="org-sandbox")

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 2)
    assert organization.values() == {}
    assert second.values() == SOURCE


def test_a_run_that_waited_goes_where_its_sync_points_now(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    second = sandbox.directory.declare_organization("org-second")
    new = Connection(name="second", base_url=sandbox.url)
    sandbox.directory.declare_key("cog_second", org_id="org-second")
    new.set_api_key("cog_second")
    new.save()
    synced.source(A="changed", B="2")
    waiting = SyncRun.objects.pending().get()

    synced.options(org_id="org-second", connection=new)
    triggers.after_edit(synced.sync, user=None)
    synced.carry_out(waiting)

    assert (waiting.status, waiting.org_id, waiting.connection) == (Status.SUCCEEDED, "org-second", new)
    assert second.values() == {"A": "changed", "B": "2"}
    assert organization.values() == SOURCE


def test_options_take_effect_with_the_next_run(synced: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="STRANGER")
    synced.options(strangers=Strangers.LEAVE)
    synced.source(A="1")

    synced.run()

    assert sorted(organization.values()) == ["A", "STRANGER"]
