"""The guard in a run: a plan that would do surprising damage waits for a person, with itself attached."""

import pytest
from django.contrib.auth.models import User

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status, Trigger
from syncs.engine.preview import preview
from syncs.models import SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True)]


def many(count: int, prefix: str = "KEY") -> dict[str, str]:
    return {f"{prefix}_{number:02}": f"{number}" for number in range(count)}


def ids_to_delete(run: SyncRun) -> list[str]:
    return list(run.changes.filter(action="delete", outcome=Outcome.PLANNED).values_list("secret_id", flat=True))


@pytest.fixture
def blocked(bench: Bench, sandbox: Sandbox) -> SyncRun:
    """A run that would delete 12 of 20."""
    bench.source(**many(20))
    bench.run()
    bench.source(**many(8), NEW="new")
    sandbox.clear_traffic()
    return bench.run()


def test_too_many_deletions_are_held_and_what_is_new_is_written(
    blocked: SyncRun, bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    assert (blocked.status, blocked.blocked_reason) == (Status.BLOCKED, "too_many_deletions")
    assert "The plan deletes 12 of 20 secrets in scope (60 %)" in blocked.message
    assert sandbox.log.counts() == {"GET": 1, "POST": 1}
    assert organization.values() == many(20) | {"NEW": "new"}
    assert (bench.sync.sync_status, bench.sync.last_sync_message) == (Status.BLOCKED, blocked.message)


def test_the_plan_is_attached(blocked: SyncRun) -> None:
    planned = changes(blocked, Outcome.PLANNED)

    assert changes(blocked) == ["create NEW"]
    assert planned == [f"delete KEY_{number:02}" for number in range(8, 20)]
    assert blocked.kept_count == 8
    assert (blocked.created_count, blocked.deleted_count, blocked.held_count) == (1, 0, 12)
    assert blocked.summary == "1 created, 12 held, 8 kept"


def test_later_changes_arrive_while_deletions_wait(
    blocked: SyncRun, bench: Bench, organization: SandboxOrganization
) -> None:
    bench.source(**many(7), KEY_07="changed", NEW="newer", NEWEST="x")

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "too_many_deletions")
    assert (run.created_count, run.replaced_count, run.held_count) == (1, 2, 12)
    assert organization.values() == many(20) | {"KEY_07": "changed", "NEW": "newer", "NEWEST": "x"}


def test_confirming_lets_exactly_that_plan_pass(
    blocked: SyncRun, bench: Bench, organization: SandboxOrganization
) -> None:
    run = bench.run(confirmed_deletions=ids_to_delete(blocked))

    assert (run.status, run.deleted_count, run.created_count) == (Status.SUCCEEDED, 12, 0)
    assert organization.values() == many(8) | {"NEW": "new"}


def test_what_a_plan_grew_by_since_is_held_and_what_was_confirmed_goes(
    blocked: SyncRun, bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    confirmed = ids_to_delete(blocked)
    bench.source(**many(7), NEW="new")
    sandbox.clear_traffic()

    run = bench.run(confirmed_deletions=confirmed)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "plan_grew")
    assert "it now deletes 1 secret more" in run.message
    assert (run.deleted_count, run.held_count) == (12, 1)
    assert sandbox.log.counts() == {"GET": 1, "DELETE": 12}
    assert organization.values() == many(8) | {"NEW": "new"}
    assert bench.run(confirmed_deletions=ids_to_delete(run)).status == Status.SUCCEEDED


def test_a_plan_that_shrank_since_passes(blocked: SyncRun, bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(**many(10), NEW="new")

    run = bench.run(confirmed_deletions=ids_to_delete(blocked))

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 10)


def test_another_secret_of_a_confirmed_key_is_not_confirmed(
    blocked: SyncRun, bench: Bench, organization: SandboxOrganization
) -> None:
    confirmed = ids_to_delete(blocked)
    organization.delete(confirmed[0])
    organization.put(key="KEY_08", value="somebody's new one")

    run = bench.run(confirmed_deletions=confirmed)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "plan_grew")


def test_the_apis_general_word_lets_any_plan_pass(blocked: SyncRun, bench: Bench) -> None:
    bench.source(A="a")

    run = bench.run(confirms_any_deletion=True)

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 21)


def test_a_word_is_good_for_one_run(blocked: SyncRun, bench: Bench) -> None:
    bench.run(confirmed_deletions=ids_to_delete(blocked))
    bench.source(**many(20))
    bench.run()
    bench.source(A="1")

    assert bench.run().status == Status.BLOCKED


def test_a_word_survives_a_trigger_that_joins(blocked: SyncRun, bench: Bench) -> None:
    run = request_run(bench.sync, trigger=Trigger.MANUAL, wishes=Wishes(confirmed_deletions=ids_to_delete(blocked)))
    set_secret(bench.folder, "NEW", "2", by=ANYBODY)

    bench.carry_out(run)

    assert (run.status, run.trigger_count, run.deleted_count) == (Status.SUCCEEDED, 2, 12)


def test_a_blocked_run_is_looked_at_again_by_the_next(blocked: SyncRun, bench: Bench) -> None:
    bench.source(**many(20))

    run = bench.run()

    assert run.status == Status.SUCCEEDED
    assert blocked.status == Status.BLOCKED


def test_an_empty_source_waits_even_for_one_secret(bench: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="STRANGER")
    bench.source()

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "empty_source")
    assert run.message == (
        "The source is empty, and the plan deletes 1 secret from Devin. If that is what you want, review the plan and "
        "choose “Sync now, confirm deletions”."
    )


def test_an_empty_source_with_nothing_to_delete_is_no_matter(bench: Bench) -> None:
    assert bench.run().status == Status.SUCCEEDED


def test_an_empty_source_whose_secrets_stay_is_no_matter(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1")
    bench.run()
    bench.options(disable_secret_deletion=True)
    bench.source()

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"A": "1"}


# The wizard


def test_the_first_run_may_delete_what_the_review_showed(bench: Bench, organization: SandboxOrganization) -> None:
    for key in many(15, "OLD"):
        organization.put(key=key)
    bench.source(A="1")
    shown = [delete.secret_id for delete in preview(bench.sync).plan.removals]

    run = bench.run(trigger=Trigger.WIZARD, confirmed_deletions=shown)

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 15)


def test_the_first_run_may_not_delete_what_came_since_the_review(
    bench: Bench, organization: SandboxOrganization
) -> None:
    bench.source(A="1")
    shown = [delete.secret_id for delete in preview(bench.sync).plan.removals]
    organization.put(key="SINCE")

    run = bench.run(trigger=Trigger.WIZARD, confirmed_deletions=shown)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "plan_grew")
    assert "SINCE" in organization.values()


def test_totp_and_cookie_secrets_are_named_in_the_plan(bench: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="LOGIN", secret_type="totp")
    organization.put(key="SESSION", secret_type="cookie")
    bench.source()

    run = bench.run()

    rows = run.changes.order_by("destination_key").values_list("destination_key", "secret_type", "is_stranger")
    assert list(rows) == [("LOGIN", "totp", True), ("SESSION", "cookie", True)]


# Limits, and what they do not concern


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({"guard_max_deletions": 1, "guard_max_percent": 100}, Status.BLOCKED),
        ({"guard_max_deletions": 2, "guard_max_percent": 100}, Status.SUCCEEDED),
        ({"guard_max_percent": 39, "guard_min_deletions": 2}, Status.BLOCKED),
        ({"guard_max_percent": 40, "guard_min_deletions": 2}, Status.SUCCEEDED),
        ({"guard_max_percent": 39}, Status.SUCCEEDED),
        ({"guard_max_deletions": 0, "guard_max_percent": 0}, Status.BLOCKED),
    ],
)
def test_each_sync_has_limits_of_its_own(bench: Bench, limits: dict[str, int], status: Status) -> None:
    bench.source(**many(5))
    bench.run()
    bench.options(**limits)
    bench.source(**many(3))

    assert bench.run().status == status


def test_a_removal_needs_no_further_word(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(**many(20))
    bench.run()

    run = bench.run(operation=Operation.REMOVE)

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 20)


def test_who_confirmed_is_on_record(blocked: SyncRun, bench: Bench) -> None:
    user = User.objects.create_user("ada")

    run = bench.run(user=user, confirmed_deletions=ids_to_delete(blocked))

    assert run.requested_by == user
    assert run.confirmed_deletions == ids_to_delete(blocked)
