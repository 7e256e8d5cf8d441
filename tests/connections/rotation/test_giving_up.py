"""A connection stays as long as a rotation of its key is unfinished, and a person may end that as it stands."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from connections.models import Connection
from connections.rotation.asking import ask
from connections.rotation.claiming import Claim, ClaimLost
from connections.rotation.giving_up import NotGivenUp, give_up
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.steps import STEPS
from tests.api.conftest import Caller, make_caller, make_user
from tests.connections.rotation.conftest import OLD, Bench

pytestmark = pytest.mark.django_db


def up_to(bench: Bench, step: Step) -> KeyRotation:
    """A rotation that has come to this step, as if its process had been killed there."""
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    claim = Claim.take(rotation.pk)
    assert claim is not None
    while claim.rotation.step != step:
        claim.rotation.connection.refresh_from_db()
        STEPS[Step(claim.rotation.step)](claim)
    claim.release()
    return KeyRotation.objects.get(pk=rotation.pk)


@pytest.fixture
def administrator() -> Caller:
    return make_caller(make_user("root", "Administrator"))


def test_no_way_deletes_a_connection_in_the_middle_of_a_rotation(
    bench: Bench, admin_client: Client, administrator: Caller
) -> None:
    up_to(bench, Step.MADE)
    pk = bench.connection.pk

    page = admin_client.post(reverse("admin:connections_connection_delete", args=[pk]), {"post": "yes"})
    refused = administrator.delete(f"/api/v1/app-connections/devin/{pk}", status=400)
    with pytest.raises(ProtectedError, match="give it up"), transaction.atomic():
        Connection.objects.all().delete()

    for said in (page.content.decode(), refused["message"]):
        assert "is being rotated (checking the new key)" in said
        assert "give it up on the page of its key" in said
    assert Connection.objects.filter(pk=pk).exists()
    assert len(bench.live()) == 2


def test_one_whose_rotation_has_ended_is_deleted(bench: Bench, administrator: Caller) -> None:
    bench.rotate()

    administrator.delete(f"/api/v1/app-connections/devin/{bench.connection.pk}")

    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("step", "outcome", "says"),
    [
        (Step.ASKED, Outcome.FAILED, "ana gave it up. The connection goes on with the old key."),
        (Step.MADE, Outcome.FAILED, "Revoke in Devin what is there of devinsync-"),
        (Step.SWITCHED, Outcome.OLD_KEPT, "The new key is in use. Revoke the old one in Devin."),
        (Step.PROVEN, Outcome.OLD_KEPT, "The new key is in use. Revoke the old one in Devin."),
    ],
)
def test_given_up_it_ends_as_it_stands(bench: Bench, step: Step, outcome: Outcome, says: str) -> None:
    up_to(bench, step)
    asked = len(bench.sandbox.log.requests())

    rotation = give_up(bench.connection, by="ana")

    rotation.refresh_from_db()
    assert (rotation.outcome, rotation.is_over) == (outcome, True)
    assert says in rotation.message
    assert (rotation.sealed_old_key, rotation.sealed_new_key) == ("", "")
    assert bench.used() is not None, "a key works"
    assert len(bench.sandbox.log.requests()) == asked
    named = [key for key in bench.live() if key in rotation.message]
    assert len(named) == (step == Step.MADE), "the one that nobody uses is named"
    assert rotation.message.removesuffix(".") in Entry.objects.latest("pk").detail
    with pytest.raises(NotGivenUp, match="not being rotated any more"):
        give_up(bench.connection, by="ana")


def test_whoever_is_at_it_writes_nothing_more(bench: Bench) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    claim = Claim.take(rotation.pk)
    assert claim is not None

    give_up(bench.connection, by="ben")

    with pytest.raises(ClaimLost):
        claim.renew()
    with pytest.raises(ClaimLost):
        claim.save(step=Step.MAKING)
    assert KeyRotation.objects.get().step == Step.ENDED


def test_a_key_that_was_left_is_revoked_by_the_next_rotation(bench: Bench) -> None:
    up_to(bench, Step.MADE)
    give_up(bench.connection, by="ana")
    assert len(bench.live()) == 2

    assert bench.rotate().outcome == Outcome.DONE

    assert len(bench.live()) == 1


def test_it_is_not_given_up_while_it_goes_back(bench: Bench) -> None:
    up_to(bench, Step.SWITCHED)
    KeyRotation.objects.update(step=Step.RETURNING, reason="It lists nothing")

    with pytest.raises(NotGivenUp, match="Try again in a moment"):
        give_up(bench.connection, by="ana")


@pytest.mark.parametrize("way", ["page", "api"])
def test_a_person_and_a_script_give_it_up(bench: Bench, admin_client: Client, administrator: Caller, way: str) -> None:
    up_to(bench, Step.MADE)
    page = reverse("admin:connections_connection_key", args=[bench.connection.pk])
    route = f"/api/v1/app-connections/devin/{bench.connection.pk}/give-up-rotation"
    ask_for: dict[str, Callable[[], object]] = {
        "page": lambda: admin_client.post(page, {"give-up": "yes"}),
        "api": lambda: administrator.post(route),
    }
    assert 'name="give-up"' in admin_client.get(page).content.decode()

    ask_for[way]()

    assert KeyRotation.objects.get().outcome == Outcome.FAILED
    shown = admin_client.get(page).content.decode()
    assert "gave it up" in shown
    assert 'name="give-up"' not in shown
    assert OLD not in shown
    assert "not being rotated any more" in administrator.post(route, status=400)["message"]
