"""Some of the keys, under other names: what a run makes of it in Devin."""

import pytest

from sandbox.organization import Organization
from syncs.choices import Action, Status, Strangers
from syncs.models import SyncRunChange
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, pytest.mark.usefixtures("never_idle")]


def changes(bench: Bench) -> list[tuple[str, str]]:
    rows = SyncRunChange.objects.filter(run__sync=bench.sync).order_by("pk")
    return list(rows.values_list("action", "destination_key"))


def test_only_what_is_chosen_is_written_under_its_name(bench: Bench, organization: Organization) -> None:
    bench.source(STRIPE_KEY="1", STRIPE_LIVE="2", DB_URL="3")
    bench.options(only_keys="STRIPE_*\nDB_URL", except_keys="*_LIVE", key_renames="DB_URL=DATABASE_URL")

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"STRIPE_KEY": "1", "DATABASE_URL": "3"}


def test_a_key_that_falls_out_is_deleted_and_a_strangers_key_outside_is_left_alone(
    bench: Bench, organization: Organization
) -> None:
    organization.put(key="THEIRS", value="x")
    organization.put(key="STRIPE_THEIRS", value="x")
    bench.options(only_keys="STRIPE_*\nDB_URL", strangers=Strangers.DELETE)
    bench.source(STRIPE_KEY="1", DB_URL="3")
    bench.run()
    bench.options(only_keys="STRIPE_*")

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"STRIPE_KEY": "1", "THEIRS": "x"}
    assert (Action.DELETE, "DB_URL") in changes(bench)
    assert SyncRunChange.objects.get(destination_key="DB_URL", action=Action.DELETE).reason == (
        "its key is not among those that are synced"
    )


def test_the_guard_counts_what_falls_out(bench: Bench, organization: Organization) -> None:
    bench.source(**{f"KEY_{number}": "x" for number in range(10)})
    bench.run()
    bench.options(only_keys="KEY_1")

    assert bench.run().status == Status.BLOCKED
    assert len(organization.values()) == 10


def test_another_name_is_a_rename_and_no_deletion(bench: Bench, organization: Organization) -> None:
    bench.source(DB_URL="3", OTHER="4")
    bench.run()
    bench.options(key_renames="DB_URL=DATABASE_URL", guard_max_deletions=0, guard_max_percent=0, guard_min_deletions=0)

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"DATABASE_URL": "3", "OTHER": "4"}
    assert changes(bench)[-1] == (Action.RENAME, "DATABASE_URL")


def test_two_keys_of_one_name_stop_the_run_before_it_writes(bench: Bench, organization: Organization) -> None:
    bench.source(DB_URL="3", DATABASE_URL="4")
    bench.options(key_renames="DB_URL=DATABASE_URL")

    run = bench.run()

    assert run.status == Status.FAILED
    assert "DATABASE_URL and DB_URL would both be DATABASE_URL in Devin" in run.message
    assert organization.values() == {}


def test_another_syncs_key_is_handed_over_only_if_it_takes_it(
    bench: Bench, other: Bench, organization: Organization
) -> None:
    """A key that one sync lets go of, and that the other's source has but leaves out, is deleted."""
    other.source(SHARED="theirs")
    other.options(except_keys="SHARED")
    bench.source(SHARED="ours", KEPT="1")
    bench.run()
    bench.source(KEPT="1")

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"KEPT": "1"}
