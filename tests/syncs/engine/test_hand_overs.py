"""A key that one sync lets go of and another wants changes hands: it is never absent from Devin in between."""

import pytest

from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Strangers, Trigger
from syncs.engine.preview import preview
from syncs.models import DevinSync, ManagedSecret, SyncRun, WriteIntent
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import delete_folder, delete_secret, set_secret

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]
MODES = [Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW]


@pytest.fixture(params=MODES, ids=str)
def mode(request: pytest.FixtureRequest, sandbox: Sandbox) -> Duplicates:
    sandbox.settings.duplicates = request.param
    return sandbox.settings.duplicates


@pytest.fixture
def shared(bench: Bench, other: Bench) -> Bench:
    """This sync wrote API_KEY; the other one, whose source has it too by now, was refused it."""
    bench.source(API_KEY="1", OWN="o")
    bench.run()
    other.source(API_KEY="1", THEIRS="t")
    assert other.run().status == Status.FAILED
    return bench


def holder_of(key: str) -> str:
    return ManagedSecret.objects.select_related("sync").get(destination_key=key).sync.name


def rung_of(sync: DevinSync) -> SyncRun:
    return SyncRun.objects.pending().get(sync=sync)


@pytest.mark.usefixtures("mode")
def test_a_key_that_moved_to_another_syncs_source_is_never_absent(
    shared: Bench, other: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    delete_secret(shared.folder.secrets.get(key="API_KEY"), by=ANYBODY)
    sandbox.clear_traffic()

    run = shared.run()
    then = other.carry_out(rung_of(other.sync))

    assert changes(run) == ["hand_over API_KEY"]
    assert (run.status, run.handed_over_count, run.deleted_count) == (Status.SUCCEEDED, 1, 0)
    assert (then.status, then.kept_count) == (Status.SUCCEEDED, 2)
    assert not sandbox.log.writes(), "the value is the same, so nothing is written at all"
    assert organization.values() == {"API_KEY": "1", "OWN": "o", "THEIRS": "t"}
    assert holder_of("API_KEY") == "their-sync"


@pytest.mark.usefixtures("mode")
def test_the_other_sync_writes_its_own_value(
    shared: Bench, other: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    set_secret(other.folder, "API_KEY", "2", by=ANYBODY)
    shared.source(OWN="o")
    sandbox.clear_traffic()

    shared.run()
    assert not sandbox.log.writes()
    run = other.carry_out(rung_of(other.sync))

    assert changes(run) == ["replace API_KEY"]
    assert organization.values() == {"API_KEY": "2", "OWN": "o", "THEIRS": "t"}


def test_the_other_sync_is_rung_at_once(shared: Bench, other: Bench, rung: list[str]) -> None:
    SyncRun.objects.pending().delete()
    shared.source(OWN="o")
    rung.clear()

    shared.run()

    run = rung_of(other.sync)
    assert run.trigger == Trigger.HAND_OVER
    assert str(run.pk) in rung


def test_once_handed_over_both_syncs_are_at_rest(shared: Bench, other: Bench, sandbox: Sandbox) -> None:
    shared.source(OWN="o")
    shared.run()
    other.carry_out(rung_of(other.sync))
    sandbox.clear_traffic()

    runs = [shared.run(), other.run(), shared.run(operation=Operation.REMOVE)]

    assert [run.status for run in runs] == [Status.SUCCEEDED] * 3
    assert {entry.key for entry in sandbox.log.writes()} == {"OWN"}
    assert holder_of("API_KEY") == "their-sync"


def test_it_is_handed_over_although_deletion_is_disabled(shared: Bench) -> None:
    shared.options(disable_secret_deletion=True)
    shared.source(OWN="o")

    run = shared.run()

    assert (run.handed_over_count, holder_of("API_KEY")) == (1, "their-sync")


def test_a_removal_hands_over_what_another_sync_wants(
    shared: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    run = shared.run(operation=Operation.REMOVE)

    assert (run.status, run.handed_over_count, run.deleted_count) == (Status.SUCCEEDED, 1, 1)
    assert organization.values() == {"API_KEY": "1", "THEIRS": "t"}
    assert other.carry_out(rung_of(other.sync)).status == Status.SUCCEEDED


def test_it_is_handed_over_under_another_source_key(bench: Bench, other: Bench) -> None:
    bench.source(APP_KEY="1")
    bench.run()
    other.options(key_schema="APP_{{secretKey}}")
    other.source(KEY="1")
    bench.source(OWN="o")

    bench.run()

    row = ManagedSecret.objects.get(destination_key="APP_KEY")
    assert (row.sync, row.source_key) == (other.sync, "KEY")


def test_hand_overs_are_no_deletions_for_the_guard(bench: Bench, other: Bench) -> None:
    keys = {f"KEY_{number}": f"{number}" for number in range(30)}
    bench.source(**keys)
    bench.run()
    other.source(**keys)
    bench.source(OWN="o")

    run = bench.run()

    assert (run.status, run.handed_over_count) == (Status.SUCCEEDED, 30)


def test_the_plan_shows_a_hand_over(shared: Bench) -> None:
    shared.source(OWN="o")

    plan = preview(shared.sync).plan

    (change,) = plan.hand_overs
    assert change.reason == "not in this source, and the sync “their-sync” wants it"
    assert (plan.deletes, plan.counts["hand_over"]) == ((), 1)


@pytest.mark.parametrize("stopped", [{"is_enabled": False}, {"folder": None}, {"org_id": "org-elsewhere"}])
def test_one_that_is_stopped_or_elsewhere_gets_nothing(
    shared: Bench, other: Bench, organization: SandboxOrganization, stopped: dict[str, object]
) -> None:
    other.options(**stopped)
    shared.source(OWN="o")

    run = shared.run()

    assert (run.handed_over_count, run.deleted_count) == (0, 1)
    assert "API_KEY" not in organization.values()


def test_a_strangers_secret_that_another_sync_wants_is_left_to_it(
    bench: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    organization.put(key="API_KEY", value="somebody's")
    other.source(API_KEY="1")
    bench.source(OWN="o")

    bench.run()

    assert organization.values() == {"API_KEY": "somebody's", "OWN": "o"}


# Taking over


@pytest.fixture(params=["disabled", "without a source"])
def stopped(request: pytest.FixtureRequest, shared: Bench) -> Bench:
    """The first sync, which goes on holding API_KEY."""
    if request.param == "disabled":
        shared.options(is_enabled=False)
    else:
        delete_folder(shared.folder, by=ANYBODY)
        shared.sync.refresh_from_db()
    return shared


def test_the_plan_and_the_message_offer_it(stopped: Bench, other: Bench) -> None:
    (refusal,) = preview(other.sync).plan.refusals
    run = other.run()

    assert refusal.may_take_over
    assert "take the key over, or mend that sync" in refusal.reason
    assert "1 key could not be written: API_KEY." in run.message
    assert "Take over" in run.message


def test_a_live_holder_is_not_to_be_taken_over(shared: Bench, other: Bench) -> None:
    (refusal,) = preview(other.sync).plan.refusals

    run = other.run(takes_over=True)

    assert not refusal.may_take_over
    assert (run.status, holder_of("API_KEY")) == (Status.FAILED, "my-devin-sync")


@pytest.mark.parametrize("chosen", [True, ["API_KEY"]])
@pytest.mark.usefixtures("mode")
def test_a_person_may_take_it_over(
    stopped: Bench, other: Bench, sandbox: Sandbox, organization: SandboxOrganization, chosen: object
) -> None:
    sandbox.clear_traffic()

    run = other.run(takes_over=chosen)

    assert (run.status, run.handed_over_count, run.kept_count) == (Status.SUCCEEDED, 1, 2)
    assert not sandbox.log.writes()
    assert (holder_of("API_KEY"), holder_of("OWN")) == ("their-sync", "my-devin-sync")
    row = run.changes.get()
    assert row.reason.startswith("taken over from the sync “my-devin-sync”: it")


def test_only_what_was_named_is_taken_over(stopped: Bench, other: Bench) -> None:
    other.source(API_KEY="1", OWN="mine", THEIRS="t")

    run = other.run(takes_over=["API_KEY"])

    assert (holder_of("API_KEY"), holder_of("OWN")) == ("their-sync", "my-devin-sync")
    assert "1 key could not be written: OWN." in run.message


def test_what_the_stopped_sync_had_begun_is_given_up(
    shared: Bench, other: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.faults.add("status", method="POST", key="API_KEY", status=401, skip=1, times=None)
    shared.source(API_KEY="changed", OWN="o")
    shared.run()
    assert "API_KEY" not in organization.values()
    shared.options(is_enabled=False)
    sandbox.faults.clear()

    run = other.run(takes_over=True)

    assert (run.status, organization.values()["API_KEY"]) == (Status.SUCCEEDED, "1")
    assert not WriteIntent.objects.open().exists()
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


def test_the_former_holder_is_refused_when_it_comes_back(stopped: Bench, other: Bench) -> None:
    if not stopped.sync.has_source:
        return
    other.run(takes_over=True)
    stopped.options(is_enabled=True, strangers=Strangers.LEAVE)

    run = stopped.run()

    assert (run.status, run.deleted_count, run.replaced_count) == (Status.FAILED, 0, 0)
    assert "API_KEY" in run.message
