"""A sync whose changes go out in waves writes none before its turn, mends its organization at any time, and loses no
key by having to wait."""

from typing import Any

import pytest

from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import AsksForWave, Operation, Outcome, Status, Strangers, Trigger
from syncs.engine.changes import Change, Create, Delete, HandOver, Rename, Replace
from syncs.engine.desired import read_desired
from syncs.engine.waves import mends
from syncs.models import DevinSync, SyncRun, WriteIntent
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


@pytest.fixture
def waving(bench: Bench, sandbox: Sandbox) -> Bench:
    """In step with its source, and from now on its changes go out in waves."""
    bench.options(goes_in_waves=True)
    bench.source(A="1", B="1")
    bench.run()
    sandbox.clear_traffic()
    nobody_asks()
    return bench


def look(bench: Bench) -> SyncRun:
    """A run that nobody asked for, with no turn."""
    SyncRun.objects.pending().delete()
    return bench.run(trigger=Trigger.SCHEDULE)


def asks(bench: Bench) -> str:
    return DevinSync.objects.get(pk=bench.sync.pk).asks_for_wave


def nobody_asks() -> None:
    DevinSync.objects.update(asks_for_wave="")


@pytest.mark.parametrize(
    ("change", "at_any_time"),
    [
        (Create("A", "A", "new in the source"), False),
        (Create("A", "A", "it was deleted in Devin", is_drift=True), True),
        (Replace("A", "A", ("1",), "key-value", "its value changed in the source"), False),
        (Replace("A", "A", ("1",), "key-value", "its note was edited", is_drift=True), True),
        (Rename("B", "A", ("A",), ("1",), "until now A"), False),
        (Rename("B", "A", ("A",), ("1",), "until now A", is_written=True), False),
        (HandOver("A", "1", "key-value", DevinSync().pk, "another sync wants it", "A"), False),
        (Delete("A", "1", "key-value", "not in the source"), False),
        (Delete("A", "1", "key-value", "not in the source", is_stranger=True), False),
        (Delete("A", "1", "key-value", "another secret of the same key", is_duplicate=True), True),
        (Delete("A", "1", "key-value", "a person said so", is_stranger=True, is_decided=True), True),
    ],
    ids=lambda value: f"{type(value).__name__} {value.reason}" if hasattr(value, "reason") else str(value),
)
def test_what_mends_needs_no_turn(change: Change, at_any_time: bool) -> None:
    assert mends(change) is at_any_time


def test_a_change_of_the_source_waits_for_its_turn(waving: Bench, sandbox: Sandbox) -> None:
    waving.source(A="2", C="3")
    nobody_asks()

    run = look(waving)

    assert not sandbox.log.writes()
    assert (run.status, run.blocked_reason) == (Status.CANCELLED, "")
    assert run.message.endswith("its turn has not come yet. Nothing was written. Waiting: A, B, C.")
    assert changes(run, Outcome.NOT_ATTEMPTED) == ["create C", "replace A", "delete B"]
    assert asks(waving) == AsksForWave.HELD


@pytest.mark.parametrize(
    "options", [{"key_schema": "P_{{secretKey}}"}, {"except_keys": "A"}, {"strangers": Strangers.DELETE}], ids=str
)
def test_a_change_of_the_sync_does_too(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, options: dict[str, Any]
) -> None:
    organization.put(key="HAND", value="by hand")
    bench.options(goes_in_waves=True, strangers=Strangers.LEAVE)
    bench.source(A="1")
    bench.run()
    sandbox.clear_traffic()
    bench.options(**options, asks_for_wave="")

    run = look(bench)

    assert (run.status, asks(bench), sandbox.log.writes()) == (Status.CANCELLED, AsksForWave.HELD, [])


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.API, Trigger.COMMAND, Trigger.APPROVAL, Trigger.ROLLOUT])
def test_it_goes_out_in_its_turn_or_if_a_person_says_so(
    waving: Bench, organization: SandboxOrganization, trigger: Trigger
) -> None:
    waving.source(A="2", B="1")
    SyncRun.objects.pending().delete()

    run = waving.run(trigger=trigger)

    assert (run.status, run.is_released) == (Status.SUCCEEDED, True)
    assert organization.values() == {"A": "2", "B": "1"}


def test_what_was_changed_in_devin_is_mended_at_any_time(waving: Bench, organization: SandboxOrganization) -> None:
    (secret,) = organization.with_key("A")
    organization.delete(secret.secret_id)
    organization.put(key="B", value="a second one")

    run = look(waving)

    assert (run.status, run.drifted_count, asks(waving)) == (Status.SUCCEEDED, 1, "")
    assert organization.values() == {"A": "1", "B": "1"}


def test_a_removal_needs_no_turn(waving: Bench, organization: SandboxOrganization) -> None:
    run = waving.run(trigger=Trigger.EDIT, operation=Operation.REMOVE)

    assert (run.status, organization.values()) == (Status.SUCCEEDED, {})


def test_a_change_while_it_runs_takes_its_turn_back(
    waving: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been released and claimed; what it reads has changed since, which has to go to the canaries first."""

    def change_and_read(sync: DevinSync) -> Any:
        set_secret(waving.folder, "A", "2", by=ANYBODY)
        return read_desired(sync)

    monkeypatch.setattr("syncs.engine.reconcile.read_desired", change_and_read)

    run = waving.run(trigger=Trigger.ROLLOUT)

    assert (run.status, sandbox.log.writes()) == (Status.CANCELLED, [])
    assert asks(waving) == AsksForWave.CHANGE


def test_a_key_that_was_taken_away_comes_back_before_it_waits(
    waving: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = Duplicates.REJECT_409
    waving.source(A="2", B="1")
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=503, skip=1, times=8)
    run = waving.run(trigger=Trigger.ROLLOUT)
    assert (run.status, organization.values()) == (Status.PENDING, {"B": "1"})
    sandbox.faults.clear()

    waving.source(A="3", B="1")
    waving.carry_out(run)

    assert (run.status, run.is_released) == (Status.CANCELLED, False)
    assert organization.values() == {"A": "2", "B": "1"}, "as its turn had come for it, and no further"
    assert not WriteIntent.objects.open().exists()


def test_a_key_that_a_repair_took_away_is_no_change_of_the_source(
    waving: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = Duplicates.REJECT_409
    (secret,) = organization.with_key("A")
    organization.change(secret.secret_id, note="edited")
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=503, skip=1, times=8)
    run = look(waving)
    assert (run.status, organization.values()) == (Status.PENDING, {"B": "1"})
    sandbox.faults.clear()

    waving.carry_out(run)

    assert (run.status, asks(waving)) == (Status.SUCCEEDED, "")
    assert organization.values() == {"A": "1", "B": "1"}
