"""A key is rotated: what is made, proved, switched and revoked, what is left alone, and what is told of it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from connections.models import Connection
from connections.rotation import steps, uses
from connections.rotation.asking import NotAsked, ask, ask_with
from connections.rotation.claiming import Claim, ClaimLost
from connections.rotation.cleaning import KEPT, clean_rotations
from connections.rotation.due import carry_on_due
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.steps import carry_on
from sandbox.directory import MANAGE_SECRETS
from sandbox.server import Sandbox
from tests.connections.rotation.conftest import OLD, ORGANIZATIONS, Bench

pytestmark = pytest.mark.django_db


def test_the_new_key_is_in_use_and_the_old_one_revoked(bench: Bench) -> None:
    version = bench.connection.version

    rotation = bench.rotate()

    used = bench.used()
    assert used is not None
    assert (rotation.outcome, bench.live()) == (Outcome.DONE, [rotation.key_name()])
    assert (used.key_name, used.key_id) == (rotation.key_name(), rotation.new_key_id)
    stored = Connection.objects.get(pk=bench.connection.pk)
    assert (stored.api_key_id, stored.version, stored.is_valid) == (rotation.new_key_id, version + 1, True)
    assert bench.sandbox.directory.key_for(OLD) is None
    assert (rotation.proved_count, rotation.to_prove_count) == (2, 2)


def test_a_second_rotation_revokes_the_key_of_the_first(bench: Bench) -> None:
    bench.rotate()
    bench.connection.refresh_from_db()

    second = bench.rotate()

    assert (second.outcome, bench.live()) == (Outcome.DONE, [second.key_name()])


def test_no_key_stays_in_the_row_or_in_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    rotation = bench.rotate()

    used = bench.used()
    assert used is not None
    assert (rotation.sealed_old_key, rotation.sealed_new_key) == ("", "")
    told = repr(KeyRotation.objects.values().get()) + repr(list(Entry.objects.values())) + caplog.text
    assert OLD not in told
    assert used.token not in told


def test_the_log_tells_who_asked_for_it_and_what_came_of_it(bench: Bench) -> None:
    bench.rotate()

    told = list(Entry.objects.order_by("pk").values_list("actor", "kind", "name", "detail"))
    assert [(actor, kind, name) for actor, kind, name, _ in told] == [("ana", "connection", "acme")] * 2
    assert "Put the new API key in the place of the old one" in told[0][3]
    assert "the old one revoked" in told[1][3]


def test_the_new_key_lives_as_long_as_the_old_one_did(make_bench: Callable[..., Bench]) -> None:
    now = int(time.time())
    bench = make_bench(created_at=now - 80, expires_at=now + 20)

    bench.rotate()

    used = bench.used()
    assert used is not None
    assert used.expires_at is not None
    assert 95 <= used.expires_at - now <= 1000


# What is refused before anything is made

MAY_NOT: list[Any] = [
    pytest.param({"permissions": (MANAGE_SECRETS,)}, "lacks the permission ManageAccountServiceUsers", id="no right"),
    pytest.param({"principal_type": "pat_user"}, "no key of a service user", id="a person's key"),
    pytest.param({"org_id": "org-a"}, "the key of one organization", id="of one organization"),
]


@pytest.mark.parametrize(("fields", "reason"), MAY_NOT)
def test_a_key_that_may_make_none_stays(make_bench: Callable[..., Bench], fields: Any, reason: str) -> None:
    bench = make_bench(**fields)

    rotation = bench.rotate()

    assert rotation.outcome == Outcome.FAILED
    assert reason in rotation.message
    assert "by hand" in rotation.message
    assert bench.used() is not None
    assert not bench.sandbox.log.requests("POST")


def test_a_key_that_works_no_more_is_told(bench: Bench) -> None:
    bench.sandbox.directory.revoke_key(OLD)

    rotation = bench.rotate()

    assert rotation.outcome == Outcome.FAILED
    assert "401" in rotation.message


def test_there_is_one_rotation_at_a_time(bench: Bench) -> None:
    ask(bench.connection, trigger=Trigger.PERSON, by="ana")

    with pytest.raises(NotAsked, match="being rotated already"):
        ask(bench.connection, trigger=Trigger.API, by="bob")


def test_what_cannot_be_rotated_is_not_asked_for(bench: Bench) -> None:
    bench.connection.org_id = "org-a"
    with pytest.raises(NotAsked, match="by hand"):
        ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    with pytest.raises(NotAsked, match="not to Devin"):
        ask(Connection(name="x", app="infisical"), trigger=Trigger.PERSON, by="ana")
    with pytest.raises(NotAsked, match="no API key yet"):
        ask(Connection(name="x"), trigger=Trigger.PERSON, by="ana")


# What is revoked


def test_of_several_keys_it_revokes_none_that_may_be_anothers(bench: Bench) -> None:
    other = bench.sandbox.directory.make_key(bench.keys()[0], name="terraform")

    rotation = bench.rotate()

    assert rotation.outcome == Outcome.OLD_KEPT
    assert bench.live() == ["Sandbox", "terraform", rotation.key_name()]
    assert "terraform" in rotation.message
    assert bench.sandbox.directory.key_for(other.token) is not None
    bench.connection.refresh_from_db()
    assert bench.rotate().outcome == Outcome.DONE, "of the one that it made itself it is certain"
    assert bench.live()[:2] == ["Sandbox", "terraform"]


def test_a_key_that_another_connection_uses_too_is_not_revoked(bench: Bench) -> None:
    other = Connection(name="beta", base_url=bench.connection.base_url)
    other.set_api_key(OLD)
    other.save()

    rotation = bench.rotate()

    assert (rotation.outcome, bench.live()) == (Outcome.OLD_KEPT, ["Sandbox", rotation.key_name()])
    assert "in use by beta" in rotation.message


def test_a_key_that_was_made_and_never_kept_is_revoked(bench: Bench) -> None:
    bench.sandbox.faults.add("cut", method="POST", moment="after", times=2)

    rotation = bench.rotate()

    assert (rotation.outcome, rotation.keys_asked_for) == (Outcome.DONE, 3)
    assert bench.live() == [rotation.key_name(3)]
    assert len(bench.keys()) == 4, "two of them were made and told to nobody"


def test_a_key_that_is_made_late_is_revoked_too(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    bench.sandbox.faults.add("cut", method="POST", times=1)
    bench.turn(rotation)
    assert rotation.keys_asked_for == 1

    KeyRotation.objects.filter(pk=rotation.pk).update(due_at=timezone.now())
    bench.sandbox.directory.make_key(bench.keys()[0], name=rotation.key_name(1))
    bench.finish(rotation)

    assert bench.live() == [rotation.key_name(2)]


def test_a_name_that_only_looks_like_ours_is_left_alone(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    for name in ("devinsync-", f"{rotation.name_prefix}99", f"{rotation.name_prefix}1x"):
        bench.sandbox.directory.make_key(bench.keys()[0], name=name)

    bench.finish(rotation)

    assert {"devinsync-", f"{rotation.name_prefix}99", f"{rotation.name_prefix}1x"} <= set(bench.live())


def test_the_old_key_lives_as_long_as_a_run_that_may_hold_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[Any] = []

    def is_under_way(_: object, moment: object) -> bool:
        moments.append(moment)
        return len(moments) < 3

    monkeypatch.setattr(uses, "_under_way", [is_under_way])
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")

    bench.turn(rotation)
    assert (rotation.step, rotation.message[:5]) == (Step.PROVEN, "A run")
    assert rotation.due_at > timezone.now()
    assert len(bench.live()) == 2
    bench.finish(rotation)

    assert bench.live() == [rotation.key_name()]
    assert moments == [rotation.switched_at] * 3


def test_the_old_key_lives_until_nobody_can_wait_with_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "GRACE", timedelta(minutes=1))
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")

    bench.turn(rotation)

    assert len(bench.live()) == 2
    assert rotation.switched_at is not None
    assert rotation.due_at == rotation.switched_at + timedelta(minutes=1)


def test_without_the_permission_to_revoke_it_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_under_way", [lambda *_: bench.sandbox.log.requests("DELETE") == []])
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    bench.turn(rotation)
    bench.sandbox.directory.change_service_user(bench.service_user, permissions=frozenset({MANAGE_SECRETS}))
    monkeypatch.setattr(uses, "_under_way", [])

    bench.finish(rotation)

    assert rotation.outcome == Outcome.OLD_KEPT
    assert "could not be revoked" in rotation.message
    assert bench.used() is not None


# What does not do


def test_a_new_key_that_reaches_less_is_given_up(bench: Bench) -> None:
    # Met by the first to list it, which is the new key.
    bench.sandbox.faults.add("status", status=403, method="GET", org="org-b", times=1)

    rotation = bench.rotate()

    assert rotation.outcome == Outcome.FAILED
    assert "org-b" in rotation.message
    assert bench.live() == ["Sandbox"]
    used = bench.used()
    assert used is not None
    assert used.token == OLD


def test_what_the_old_key_cannot_list_either_is_no_fault_of_the_new_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "_organizations", [lambda connection: [*ORGANIZATIONS, "org-gone"]])

    rotation = bench.rotate()

    assert (rotation.outcome, rotation.proved_count) == (Outcome.DONE, 3)


def test_a_failure_that_may_pass_is_waited_for(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    bench.sandbox.faults.add("status", status=503, method="GET", org="org-b", times=2)

    bench.turn(rotation)

    assert (rotation.step, rotation.failures) == (Step.SWITCHED, 1)
    assert rotation.due_at > timezone.now()
    assert "503" in rotation.message
    assert bench.used() is not None
    bench.finish(rotation)
    assert (rotation.outcome, rotation.failures) == (Outcome.DONE, 0)


def test_a_new_key_that_devin_does_not_know_yet_is_waited_for(bench: Bench, sandbox: Sandbox) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    # Four are of the old key: who it is, whose, and the keys twice.
    sandbox.faults.add("delay", method="GET", seconds=0, times=4)
    sandbox.faults.add("status", status=401, method="GET", times=2)

    bench.turn(rotation)

    assert (rotation.step, rotation.failures) == (Step.MADE, 1)
    assert bench.finish(rotation).outcome == Outcome.DONE


# What people do meanwhile


@pytest.mark.parametrize("step", [Step.MADE, Step.SWITCHED, Step.PROVEN])
def test_a_key_that_somebody_enters_meanwhile_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    theirs = bench.sandbox.directory.make_key(bench.keys()[0], name="theirs")
    carried = steps.STEPS[step]

    def enter_and_go_on(claim: Claim) -> None:
        stored = Connection.objects.get(pk=bench.connection.pk)
        if not stored.has_api_key(theirs.token):
            stored.set_api_key(theirs.token)
            stored.save()
            claim.rotation.connection.refresh_from_db()
        carried(claim)

    monkeypatch.setitem(steps.STEPS, step, enter_and_go_on)

    bench.finish(rotation)

    used = bench.used()
    assert used is not None
    assert used.key_name == "theirs"
    assert rotation.outcome == Outcome.FAILED
    assert bench.live() == ["Sandbox", "theirs"], "the old one may be wanted still"


def test_a_key_goes_to_no_other_address_than_it_is_for(bench: Bench, sandbox: Sandbox) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    sandbox.faults.add("status", status=503, org="org-a", times=2)
    bench.turn(rotation)
    with Sandbox() as elsewhere:
        stored = Connection.objects.get(pk=bench.connection.pk)
        stored.base_url = elsewhere.url
        stored.set_api_key("cog_sandbox")
        stored.save()

        bench.finish(rotation)

        assert elsewhere.log.requests() == []
    assert rotation.outcome == Outcome.FAILED
    assert f"Revoke the key {rotation.key_name()} in Devin" in rotation.message


def test_one_whose_row_is_gone_is_not_carried_on(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    KeyRotation.objects.all().delete()

    carry_on(rotation.pk)

    assert bench.sandbox.log.requests() == []
    assert not KeyRotation.objects.exists()


# Whose turn it is


def test_two_never_carry_it_on_at_once(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    first = Claim.take(rotation.pk)
    assert first is not None

    carry_on_due()

    assert bench.sandbox.log.requests() == []
    first.release()
    carry_on_due()
    assert bench.live() == [KeyRotation.objects.get().key_name()]


def test_a_claim_that_was_lost_changes_nothing(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    lost = Claim.take(rotation.pk)
    assert lost is not None
    KeyRotation.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    other = Claim.take(rotation.pk)

    assert other is not None
    with pytest.raises(ClaimLost):
        lost.save(message="late")
    with pytest.raises(ClaimLost):
        lost.renew()
    lost.release()
    other.save(message="in time")
    assert KeyRotation.objects.get().message == "in time"


# By hand


def test_a_key_made_by_hand_is_proved_before_it_is_used(bench: Bench) -> None:
    made = bench.sandbox.directory.make_key(bench.keys()[0], name="by hand")

    rotation = bench.finish(ask_with(bench.connection, made.token, by="ana"))

    used = bench.used()
    assert used is not None
    assert used.key_name == "by hand"
    assert rotation.outcome == Outcome.OLD_KEPT
    assert "Revoke the old one in Devin" in rotation.message
    assert bench.live() == ["Sandbox", "by hand"]
    assert {entry.org for entry in bench.sandbox.log.requests("GET") if entry.api_key == made.key_id} >= {
        *ORGANIZATIONS
    }


def test_a_key_made_by_hand_that_reaches_less_is_not_taken(bench: Bench) -> None:
    bench.sandbox.directory.declare_key("cog_of_one", org_id="org-a")

    rotation = bench.finish(ask_with(bench.connection, "cog_of_one", by="ana"))

    used = bench.used()
    assert used is not None
    assert (rotation.outcome, used.token) == (Outcome.FAILED, OLD)
    assert "org-b" in rotation.message
    assert Connection.objects.get(pk=bench.connection.pk).version == bench.connection.version


def test_a_key_of_one_organization_may_take_its_place_by_hand(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "_organizations", [lambda connection: ["org-a"]])
    bench = make_bench(org_id="org-a", permissions=(MANAGE_SECRETS,))
    bench.sandbox.directory.declare_key("cog_another", org_id="org-a", name="Another")

    bench.finish(ask_with(bench.connection, "cog_another", by="ana"))

    stored = Connection.objects.get(pk=bench.connection.pk)
    assert (stored.principal_name, stored.org_id, stored.api_key_id) == ("Another", "org-a", "")


def test_a_key_that_devin_refuses_is_not_kept(bench: Bench) -> None:
    with pytest.raises(Exception, match="401"):
        ask_with(bench.connection, "cog_unknown", by="ana")
    with pytest.raises(NotAsked, match="has already"):
        ask_with(bench.connection, OLD, by="ana")

    assert not KeyRotation.objects.exists()


def test_old_rotations_are_forgotten(bench: Bench) -> None:
    bench.rotate()
    assert not clean_rotations()
    assert KeyRotation.objects.count() == 1
    KeyRotation.objects.update(ended_at=timezone.now() - KEPT - timedelta(days=1))

    clean_rotations()

    assert not KeyRotation.objects.exists()
