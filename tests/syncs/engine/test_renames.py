"""A secret of ours that goes on under another key: written there first, then deleted here, key by key."""

import pytest

from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.models import ManagedSecret
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import rename_secret, update_environment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]
MODES = [Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW]


@pytest.fixture(params=MODES, ids=str, autouse=True)
def _mode(request: pytest.FixtureRequest, sandbox: Sandbox) -> None:
    sandbox.settings.duplicates = request.param


def numbered(count: int) -> dict[str, str]:
    return {f"KEY_{number:02}": f"value {number}" for number in range(count)}


def never_absent(sandbox: Sandbox, pairs: dict[str, str]) -> list[str]:
    """The pairs of a former and a new key of which neither stood for a while, by the order of the log."""
    committed = {(e.method, e.key): e.committed for e in sandbox.log.writes() if e.committed is not None}
    return [old for old, new in pairs.items() if committed["POST", new] >= committed["DELETE", old]]


@pytest.mark.parametrize("count", [2, 10, 22])
def test_another_environment_slug_renames_all(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, count: int
) -> None:
    bench.options(key_schema="{{environment}}_{{secretKey}}")
    bench.source(**numbered(count))
    bench.run()
    sandbox.clear_traffic()

    update_environment(bench.folder.environment, slug="development", by=ANYBODY)
    bench.sync.refresh_from_db()
    run = bench.run()

    assert (run.status, run.renamed_count, run.created_count, run.deleted_count) == (Status.SUCCEEDED, count, 0, 0)
    assert run.summary == f"{count} renamed"
    assert organization.values() == {f"development_{key}": value for key, value in numbered(count).items()}
    assert never_absent(sandbox, {f"dev_{key}": f"development_{key}" for key in numbered(count)}) == []
    assert bench.run().summary == f"{count} kept"


def test_another_key_schema_renames_what_changed_its_value_too(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1", B="2")
    bench.run()
    bench.options(key_schema="P_{{secretKey}}")
    bench.source(A="1", B="changed")

    run = bench.run()

    assert changes(run) == ["rename P_A", "rename P_B"]
    assert organization.values() == {"P_A": "1", "P_B": "changed"}


def test_a_secret_renamed_in_the_vault_is_renamed(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(**numbered(4))
    bench.run()
    sandbox.clear_traffic()
    for key in numbered(4):
        rename_secret(bench.folder.secrets.get(key=key), f"NEW_{key}", by=ANYBODY)

    run = bench.run()

    assert (run.status, run.renamed_count) == (Status.SUCCEEDED, 4)
    assert [change.told_key for change in run.changes.order_by("destination_key")] == [
        f"{key} → NEW_{key}" for key in numbered(4)
    ]
    assert organization.values() == {f"NEW_{key}": value for key, value in numbered(4).items()}
    assert never_absent(sandbox, {key: f"NEW_{key}" for key in numbered(4)}) == []
    assert set(ManagedSecret.objects.values_list("destination_key", flat=True)) == {f"NEW_{k}" for k in numbered(4)}


def test_a_rename_over_a_strangers_secret_replaces_it(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(OLD="value")
    bench.run()
    organization.put(key="NEW", value="somebody's")
    bench.source(NEW="value")

    run = bench.run()

    assert changes(run) == ["rename NEW"]
    assert organization.values() == {"NEW": "value"}


def test_secrets_of_one_value_do_not_pass_for_one_that_was_renamed(
    bench: Bench, organization: SandboxOrganization
) -> None:
    bench.source(**dict.fromkeys(numbered(20), "CHANGEME"))
    bench.run()
    bench.source(NEW="CHANGEME")

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "too_many_deletions")
    assert (run.renamed_count, run.held_count) == (1, 19)


def test_the_plan_shows_and_counts_renames(bench: Bench) -> None:
    bench.source(OLD="value", KEPT="k")
    bench.run()
    bench.source(NEW="value", KEPT="k")

    plan = preview(bench.sync).plan

    assert str(plan) == "0 to create, 0 to replace, 1 to rename, 0 to delete, 1 to keep"
    (rename,) = plan.renames
    assert (rename.destination_key, rename.former_keys, rename.reason) == ("NEW", ("OLD",), "until now OLD")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_unclear_deletion_of_the_former_name_is_settled(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, moment: str
) -> None:
    bench.source(OLD="value")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="OLD", status=403, moment=moment)
    bench.source(NEW="value")

    run = bench.run()
    if moment == "before":
        assert (run.status, organization.values()) == (Status.FAILED, {"OLD": "value", "NEW": "value"})
        assert "Devin refuses to delete OLD" in run.message
        run = bench.run()

    assert (run.status, run.renamed_count, organization.values()) == (Status.SUCCEEDED, 1, {"NEW": "value"})


def test_renames_are_no_deletions_for_the_guard_even_after_a_fault(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    """The new secrets stand, the old ones as well: the next run knows what replaced them."""
    bench.source(**numbered(8))
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", status=401, times=None)
    bench.source(**{f"NEW_{key}": value for key, value in numbered(8).items()})
    assert bench.run().status == Status.FAILED
    sandbox.faults.clear()

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == {f"NEW_{key}": value for key, value in numbered(8).items()}
