"""A secret of ours that goes on under another key: written there first, then deleted here, key by key."""

import pytest

from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from sources.protocol import SourceSecret
from syncs.choices import Status
from syncs.engine.desired import Desired
from syncs.engine.preview import preview
from syncs.models import ManagedSecret
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import delete_secret, rename_secret, set_secrets, update_environment, update_secret

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


def change_key_and_value(bench: Bench, keys: dict[str, str]) -> None:
    """Both in one edit, of each of them."""
    for key in keys:
        secret = bench.folder.secrets.get(key=key)
        update_secret(secret, key=f"NEW_{key}", value=f"other {key}", by=ANYBODY)


@pytest.mark.parametrize("schema", ["", "P_{{secretKey}}"], ids=["the same schema", "another schema as well"])
def test_a_secret_that_changes_its_key_and_its_value_is_renamed(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, schema: str
) -> None:
    """More of them than the guard lets a run delete."""
    many = numbered(30)
    bench.source(**many)
    bench.run()
    sandbox.clear_traffic()
    change_key_and_value(bench, many)
    bench.options(key_schema=schema)
    plan = preview(bench.sync)

    run = bench.run()

    prefix = "P_" if schema else ""
    assert (plan.plan.counts["rename"], plan.plan.counts["delete"], plan.blocked) == (30, 0, None)
    assert (run.status, run.renamed_count, run.deleted_count) == (Status.SUCCEEDED, 30, 0)
    assert organization.values() == {f"{prefix}NEW_{key}": f"other {key}" for key in many}
    assert never_absent(sandbox, {key: f"{prefix}NEW_{key}" for key in many}) == []
    assert bench.run().summary == "30 kept"


def test_a_secret_that_takes_the_key_of_a_deleted_one_is_renamed(
    bench: Bench, organization: SandboxOrganization
) -> None:
    bench.source(A="1", B="2")
    bench.run()
    delete_secret(bench.folder.secrets.get(key="B"), by=ANYBODY)
    update_secret(bench.folder.secrets.get(key="A"), key="B", value="3", by=ANYBODY)

    run = bench.run()

    assert [change.told_key for change in run.changes.all()] == ["A → B"]
    assert organization.values() == {"B": "3"}


def test_secrets_that_change_places_are_kept_apart(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1", B="2")
    bench.run()
    for key, other in (("A", "X"), ("B", "A"), ("X", "B")):
        rename_secret(bench.folder.secrets.get(key=key), other, by=ANYBODY)
    bench.options(key_schema="P_{{secretKey}}")

    run = bench.run()

    assert {change.told_key for change in run.changes.all()} == {"A → P_B", "B → P_A"}
    assert organization.values() == {"P_A": "2", "P_B": "1"}


def test_a_deleted_secret_of_the_same_value_does_not_pass_for_the_renamed_one(
    bench: Bench, organization: SandboxOrganization
) -> None:
    bench.source(A="same", B="same", C="other")
    bench.run()
    delete_secret(bench.folder.secrets.get(key="A"), by=ANYBODY)
    rename_secret(bench.folder.secrets.get(key="B"), "NEW", by=ANYBODY)

    run = bench.run()

    assert [change.told_key for change in run.changes.order_by("pk")] == ["B → NEW", "A"]
    assert (run.renamed_count, run.deleted_count) == (1, 1)
    assert organization.values() == {"NEW": "same", "C": "other"}


def test_the_first_run_after_an_update_notes_who_is_who(bench: Bench) -> None:
    """What an older version wrote has no id of the source in the ledger yet."""
    bench.source(A="1")
    bench.run()
    ManagedSecret.objects.update(source_id="")
    bench.run()
    change_key_and_value(bench, {"A": "1"})

    assert changes(bench.run()) == ["rename NEW_A"]


def test_who_is_who_is_noted_anew_where_a_kept_key_comes_from_another_secret(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    delete_secret(bench.folder.secrets.get(key="A"), by=ANYBODY)
    set_secrets(bench.folder, {"A": "1"}, by=ANYBODY)
    assert bench.run().summary == "1 kept"
    change_key_and_value(bench, {"A": "1"})

    assert changes(bench.run()) == ["rename NEW_A"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_is_who_outlives_an_unclear_answer(bench: Bench, sandbox: Sandbox, moment: str) -> None:
    sandbox.faults.add(Kind.CUT, method="POST", key="A", moment=moment)
    bench.source(A="1")
    run = bench.run()
    assert run.status == Status.SUCCEEDED, run.message
    change_key_and_value(bench, {"A": "1"})

    assert changes(bench.run()) == ["rename NEW_A"]


def test_a_half_done_rename_goes_on_after_another_one(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    """The former secret could not be deleted; by then its successor has another key and value again."""
    bench.source(**numbered(4))
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="DELETE", status=401, times=None)
    change_key_and_value(bench, numbered(4))
    assert bench.run().status == Status.FAILED
    sandbox.faults.clear()
    change_key_and_value(bench, {f"NEW_{key}": "" for key in numbered(4)})

    run = bench.run()

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 0), run.message
    assert organization.values() == {f"NEW_NEW_{key}": f"other NEW_{key}" for key in numbered(4)}


def test_an_id_that_several_secrets_have_tells_none_of_them_apart() -> None:
    same = [SourceSecret(key, "value", "dev", "/", "one id") for key in "AB"]
    desired = Desired({secret.key: secret for secret in [*same, SourceSecret("C", "value", "dev", "/", "own")]})

    assert desired.origins == {"A": "", "B": "", "C": "own"}


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
