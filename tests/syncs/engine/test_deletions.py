"""A deletion waits for the write that replaces that very secret, and for nothing else."""

import pytest

from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status
from syncs.models import ManagedSecret, WriteIntent
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import rename_secret

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


@pytest.mark.usefixtures("mode")
def test_a_revoked_secret_goes_although_devin_refuses_another(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(API_KEY="revoked", DB_URL="d")
    bench.run()
    sandbox.refuse_value("EMPTY")
    bench.source(DB_URL="d", EMPTY="")

    run = bench.run()

    assert (run.status, run.deleted_count, run.failed_count) == (Status.FAILED, 1, 1)
    assert organization.values() == {"DB_URL": "d"}
    assert [bench.run().deleted_count for _ in range(2)] == [0, 0]


@pytest.mark.usefixtures("mode")
def test_deletions_go_although_another_sync_holds_a_key(
    bench: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    other.source(SHARED="theirs")
    other.run()
    bench.source(GONE="g", KEPT="k")
    bench.run()

    bench.source(SHARED="mine", KEPT="k")
    run = bench.run()

    assert (run.status, run.deleted_count) == (Status.FAILED, 1)
    assert organization.values() == {"SHARED": "theirs", "KEPT": "k"}


@pytest.mark.parametrize("fault", [{"kind": Kind.STATUS, "status": 503}, {"kind": Kind.CUT}])
def test_deletions_go_although_a_write_stays_unclear(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, fault: dict[str, object]
) -> None:
    bench.source(GONE="g", KEPT="k")
    bench.run()
    sandbox.faults.add(method="POST", key="NEW", times=None, **fault)  # type: ignore[arg-type]

    bench.source(NEW="n", KEPT="k")
    run = bench.run()

    assert (run.status, organization.values()) == (Status.PENDING, {"KEPT": "k"})


def test_deletions_go_although_devin_cannot_take_one_new_secret(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    """Not even where it looks like an outage."""
    bench.source(GONE="g", KEPT="k")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="POST", status=500, times=None)

    bench.source(KEPT="k", **{f"NEW_{number}": f"{number}" for number in range(9)})
    run = bench.run()

    assert run.status == Status.PENDING
    assert organization.values() == {"KEPT": "k"}


# What replaces it


@pytest.mark.usefixtures("mode")
def test_a_renamed_secret_stays_until_its_new_name_is_written(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(OLD="value", GONE="g")
    bench.run()
    sandbox.refuse_value("NEW")

    bench.source(NEW="value")
    run = bench.run()

    assert organization.values() == {"OLD": "value"}
    assert changes(run, Outcome.FAILED) == ["rename NEW"]
    assert "1 key could not be written: NEW." in run.message
    assert "1 secret stays until what replaces it can be written: OLD." in run.message
    organization.accept_value("NEW")
    assert changes(bench.run()) == ["rename NEW"]
    assert organization.values() == {"NEW": "value"}


@pytest.mark.usefixtures("mode")
def test_a_former_name_stays_while_another_sync_holds_the_new_one(
    bench: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    other.source(NEW="theirs")
    other.run()
    bench.source(OLD="value")
    bench.run()
    rename_secret(bench.folder.secrets.get(key="OLD"), "NEW", by=ANYBODY)

    run = bench.run()

    assert (run.status, run.held_count) == (Status.FAILED, 1)
    assert organization.values() == {"NEW": "theirs", "OLD": "value"}
    assert changes(run, Outcome.NOT_ATTEMPTED) == ["delete OLD"]
    assert "1 secret stays until what replaces it can be written: OLD." in run.message


def test_what_waits_is_named_on_the_sync_until_it_is_gone(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(OLD="value")
    bench.run()
    sandbox.refuse_value("NEW")
    bench.source(NEW="value")
    for _ in range(3):
        bench.run()
        assert (bench.sync.sync_status, "OLD" in bench.sync.last_sync_message) == (Status.FAILED, True)

    organization.accept_value("NEW")
    bench.run()

    assert (bench.sync.sync_status, bench.sync.last_sync_message) == (Status.SUCCEEDED, "")


# What Devin will not delete


@pytest.mark.usefixtures("mode")
def test_a_secret_that_devin_will_not_delete_holds_up_no_other(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(A="a", B="b", STUCK="s", KEPT="k")
    bench.options(guard_max_percent=100)
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="STUCK", status=403, times=None)

    bench.source(KEPT="k2")
    run = bench.run()

    assert organization.values() == {"STUCK": "s", "KEPT": "k2"}
    assert (run.status, run.deleted_count, run.replaced_count, run.failed_count) == (Status.FAILED, 2, 1, 1)
    assert "Devin refuses to delete STUCK in org-sandbox (403), and it is still there." in run.message
    sandbox.faults.clear()
    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"KEPT": "k2"}


def test_several_that_devin_will_not_delete_are_named(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="a", B="b", KEPT="k")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", status=403, times=None)

    bench.source(KEPT="k")
    run = bench.run()

    assert run.message.startswith(
        "Devin refuses to delete 2 secrets in org-sandbox (403), and they are still there: A, B."
    )
    assert run.failed_count == 2
    assert ManagedSecret.objects.filter(sync=bench.sync).count() == 3
    assert not WriteIntent.objects.open().exists()


def test_a_removal_goes_on_past_what_devin_will_not_delete(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(A="a", STUCK="s", Z="z")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="STUCK", status=403, times=None)

    run = bench.run(operation=Operation.REMOVE)

    assert (run.status, run.deleted_count, organization.values()) == (Status.FAILED, 2, {"STUCK": "s"})
    assert [row.destination_key for row in bench.sync.managed_secrets.all()] == ["STUCK"]
