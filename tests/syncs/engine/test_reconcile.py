"""The whole sequence against the sandbox: what a run writes, and what it leaves alone."""

import pytest

from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status, Strangers
from syncs.models import ManagedSecret, WriteIntent
from tests.syncs.conftest import Bench, changes

pytestmark = [pytest.mark.django_db(transaction=True)]
MODES = [Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW, Duplicates.OVERWRITE]


def test_creates_what_the_source_holds(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1", B="2")

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == {"A": "1", "B": "2"}
    assert changes(run) == ["create A", "create B"]
    assert run.created_count == 2
    assert bench.sync.sync_status == Status.SUCCEEDED


def test_an_unchanged_source_costs_one_list(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1", B="2")
    bench.run()
    sandbox.clear_traffic()

    run = bench.run()

    assert sandbox.log.counts() == {"GET": 1}
    assert (run.kept_count, run.created_count, run.requests_sent) == (2, 0, 1)


@pytest.mark.parametrize("mode", MODES)
def test_replaces_a_changed_value(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, mode: Duplicates
) -> None:
    sandbox.settings.duplicates = mode
    bench.source(A="1", B="2")
    bench.run()

    bench.source(A="changed", B="2")
    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == {"A": "changed", "B": "2"}
    assert changes(run) == ["replace A"]
    assert not WriteIntent.objects.open().exists()
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


@pytest.mark.parametrize(("mode", "requests"), [(Duplicates.ALLOW, 2), (Duplicates.REJECT_409, 3)])
def test_a_replacement_costs_two_or_three_requests(
    bench: Bench, sandbox: Sandbox, mode: Duplicates, requests: int
) -> None:
    sandbox.settings.duplicates = mode
    bench.source(A="1")
    bench.run()
    sandbox.clear_traffic()

    bench.source(A="2")
    run = bench.run()

    assert run.requests_sent == requests + 1
    assert len(sandbox.log.writes()) == requests


def test_deletes_what_the_source_no_longer_holds(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1", B="2")
    bench.run()

    bench.source(A="1")
    run = bench.run()

    assert organization.values() == {"A": "1"}
    assert changes(run) == ["delete B"]
    assert list(ManagedSecret.objects.values_list("destination_key", flat=True)) == ["A"]


def test_a_refused_value_leaves_the_old_secret_and_the_rest_goes_on(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(A="1", B="2", GONE="x")
    bench.run()
    sandbox.refuse_value("A")

    bench.source(A="bad", B="3")
    run = bench.run()

    assert organization.values() == {"A": "1", "B": "3"}
    assert run.status == Status.FAILED
    assert "A" in run.message
    assert changes(run, Outcome.FAILED) == ["replace A"]
    assert "delete GONE" in changes(run)


def test_removing_deletes_managed_secrets_alone(bench: Bench, organization: SandboxOrganization) -> None:
    bench.options(strangers=Strangers.LEAVE)
    organization.put(key="STRANGER", value="s")
    bench.source(A="1", B="2")
    bench.run()

    run = bench.run(operation=Operation.REMOVE)

    assert run.status == Status.SUCCEEDED
    assert organization.values() == {"STRANGER": "s"}
    assert run.deleted_count == 2


def test_an_empty_source_is_blocked_until_a_person_confirms(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1")
    bench.run()
    bench.source()

    blocked = bench.run()
    confirmed = bench.run(confirms_any_deletion=True)

    assert (blocked.status, blocked.blocked_reason) == (Status.BLOCKED, "empty_source")
    assert changes(blocked, Outcome.PLANNED) == ["delete A"]
    assert confirmed.status == Status.SUCCEEDED
    assert organization.values() == {}
