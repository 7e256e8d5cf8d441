"""Secrets that DevinSync did not write: deleted, left alone, or asked about one by one."""

import pytest
from django.conf import LazySettings

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Decision, Operation, Outcome, Status, Strangers
from syncs.editing import Actor, decide_on_strangers, waiting_strangers
from syncs.engine.preview import preview
from syncs.errors import EditRefused
from syncs.models import DevinSync, ManagedSecret, SyncRun
from tests.syncs.conftest import Bench, changes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]
SOMEBODY = Actor.on_command_line()


@pytest.fixture
def asking(bench: Bench, organization: SandboxOrganization) -> Bench:
    """A sync that asks, its first run done; eight secrets were entered by hand."""
    for number in range(8):
        organization.put(key=f"HAND_{number}", value="by hand", secret_type="totp" if number == 7 else "key-value")
    bench.options(strangers=Strangers.ASK)
    bench.source(A="1")
    bench.run()
    return bench


def id_of(organization: SandboxOrganization, key: str) -> str:
    (secret,) = organization.with_key(key)
    return secret.secret_id


def decide(bench: Bench, organization: SandboxOrganization, decision: Decision, *keys: str) -> SyncRun:
    _, run = decide_on_strangers(bench.sync.pk, [id_of(organization, key) for key in keys], decision, by=SOMEBODY)
    assert run is not None
    return bench.carry_out(run)


def asked(bench: Bench) -> list[str]:
    return [row.destination_key for row in waiting_strangers(bench.sync)]


def test_the_run_succeeds_and_asks_of_each(asking: Bench, organization: SandboxOrganization) -> None:
    run = SyncRun.objects.get()

    assert (run.status, run.created_count, run.held_count, run.deleted_count) == (Status.SUCCEEDED, 1, 8, 0)
    assert changes(run, Outcome.HELD) == [f"delete HAND_{number}" for number in range(8)]
    assert len(organization.values()) == 9
    assert asked(asking) == [f"HAND_{number}" for number in range(8)]


def test_the_plan_shows_what_it_asks_of(asking: Bench) -> None:
    plan = preview(asking.sync).plan

    assert (plan.deletes, len(plan.asked), plan.counts["ask"]) == ((), 8, 8)
    assert str(plan) == "0 to create, 0 to replace, 0 to delete, 1 to keep, 8 to decide"


def test_one_added_later_in_devins_page_waits_too(asking: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="LATER", value="x")

    assert asking.run().status == Status.SUCCEEDED
    assert "LATER" in asked(asking)
    assert organization.values()["LATER"] == "x"


def test_what_is_to_be_deleted_is_deleted_without_the_guard(asking: Bench, organization: SandboxOrganization) -> None:
    run = decide(asking, organization, Decision.DELETE, *(f"HAND_{number}" for number in range(7)))

    assert (run.status, run.deleted_count, run.held_count) == (Status.SUCCEEDED, 7, 1)
    assert organization.values() == {"A": "1", "HAND_7": "by hand"}
    assert asked(asking) == ["HAND_7"]


def test_what_is_left_alone_is_not_asked_of_again(asking: Bench, organization: SandboxOrganization) -> None:
    run = decide(asking, organization, Decision.LEAVE, "HAND_0", "HAND_1")

    assert (run.status, run.held_count) == (Status.SUCCEEDED, 6)
    asking.options(strangers=Strangers.DELETE)
    asking.run(confirms_any_deletion=True)
    assert organization.values() == {"A": "1", "HAND_0": "by hand", "HAND_1": "by hand"}


def test_another_secret_of_that_key_is_asked_of_anew(asking: Bench, organization: SandboxOrganization) -> None:
    decide(asking, organization, Decision.LEAVE, "HAND_0")
    organization.delete(id_of(organization, "HAND_0"))
    organization.put(key="HAND_0", value="another")

    asking.run()

    assert "HAND_0" in asked(asking)


def test_an_adopted_secret_is_the_syncs_and_stays(
    asking: Bench, other: Bench, organization: SandboxOrganization, sandbox: Sandbox
) -> None:
    run = decide(asking, organization, Decision.ADOPT, "HAND_0")

    assert (run.status, run.held_count, organization.values()["HAND_0"]) == (Status.SUCCEEDED, 7, "by hand")
    other.source(HAND_0="theirs")
    assert "HAND_0" in other.run().message, "no other sync may have it"
    asking.run()
    assert not sandbox.log.requests("DELETE")


def test_an_adopted_secret_is_like_any_other_once_the_source_has_had_its_key(
    asking: Bench, organization: SandboxOrganization
) -> None:
    decide(asking, organization, Decision.ADOPT, "HAND_0")

    asking.source(A="1", HAND_0="ours")
    assert changes(asking.run()) == ["replace HAND_0"]
    assert not ManagedSecret.objects.filter(is_adopted=True).exists()
    asking.source(A="1")
    assert changes(asking.run()) == ["delete HAND_0"]


def test_an_adopted_secret_goes_with_the_syncs_others(asking: Bench, organization: SandboxOrganization) -> None:
    decide(asking, organization, Decision.ADOPT, "HAND_0")

    run = asking.run(operation=Operation.REMOVE)

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 2)
    assert "HAND_0" not in organization.values()


def test_a_key_that_is_managed_already_cannot_be_adopted(asking: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="HAND_0", value="a second one")
    asking.run()
    ids = [secret.secret_id for secret in organization.with_key("HAND_0")]

    with pytest.raises(EditRefused, match="manages a secret of the key HAND_0"):
        decide_on_strangers(asking.sync.pk, ids, Decision.ADOPT, by=SOMEBODY)


def test_nothing_is_decided_that_was_not_asked(asking: Bench, organization: SandboxOrganization) -> None:
    with pytest.raises(EditRefused, match="does not ask about all of these"):
        decide_on_strangers(asking.sync.pk, [id_of(organization, "A")], Decision.DELETE, by=SOMEBODY)


def test_a_desired_key_is_overwritten_whatever_the_option_says(
    asking: Bench, organization: SandboxOrganization
) -> None:
    asking.source(A="1", HAND_0="from the source")

    run = asking.run()

    assert changes(run) == ["replace HAND_0"]
    assert organization.values()["HAND_0"] == "from the source"


@pytest.mark.parametrize("option", [Strangers.LEAVE, Strangers.ASK])
def test_they_never_count_for_the_guard(bench: Bench, organization: SandboxOrganization, option: Strangers) -> None:
    for number in range(60):
        organization.put(key=f"HAND_{number}", value="by hand")
    bench.options(strangers=option)
    bench.source(A="1")

    assert bench.run().status == Status.SUCCEEDED
    assert len(organization.values()) == 61


@pytest.mark.parametrize(("setting", "default"), [("", "delete"), ("ask", "ask"), ("leave", "leave")])
def test_an_installation_chooses_the_default_of_new_syncs(settings: LazySettings, setting: str, default: str) -> None:
    settings.STRANGERS = setting

    assert DevinSync().strangers == default
