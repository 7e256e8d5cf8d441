"""Rotation of a connection's key by the API."""

import pytest

from audit.models import Entry
from connections.models import Connection
from connections.rotation.models import KeyRotation
from tests.api.conftest import Caller, make_caller, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def address() -> str:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key("cog_canary-of-an-api-key")
    connection.save()
    return f"/api/v1/app-connections/devin/{connection.pk}/rotate-key"


def test_asks_for_a_rotation_and_tells_how_far_it_is(administrator: Caller, address: str) -> None:
    administrator.get(address, status=404)

    asked = administrator.post(address)["keyRotation"]

    assert (asked["step"], asked["outcome"], asked["trigger"]) == ("asked", None, "api")
    assert administrator.get(address)["keyRotation"] == asked
    assert KeyRotation.objects.get().asked_by


def test_a_second_one_is_refused_as_long_as_it_goes_on(administrator: Caller, address: str) -> None:
    administrator.post(address)

    refused = administrator.post(address, status=400)

    assert "being rotated already" in refused["message"]


def test_a_key_of_one_organization_is_replaced_by_hand(administrator: Caller, address: str) -> None:
    Connection.objects.update(org_id="org-1")

    assert "by hand" in administrator.post(address, status=400)["message"]


# The schedule


@pytest.fixture
def schedule(address: str) -> str:
    return address.replace("rotate-key", "rotation-schedule")


def test_sets_tells_and_ends_the_schedule(administrator: Caller, schedule: str) -> None:
    assert administrator.get(schedule) == {"rotationSchedule": {"days": None, "nextAt": None}}

    for days, words in ((30, "Rotates its API key every 30 days."), (None, "Rotates it by hand alone.")):
        told = administrator.ask("PUT", schedule, {"days": days})["rotationSchedule"]

        stored = Connection.objects.get()
        assert (stored.rotate_every_days, told["days"], bool(told["nextAt"])) == (days, days, bool(days))
        assert administrator.get(schedule)["rotationSchedule"] == told
        entry = Entry.objects.latest("pk")
        assert entry.object_id == str(stored.pk)
        assert entry.detail.startswith(words.removesuffix("."))


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 731}, {"days": "x"}, {}, {"days": 30, "hours": 1}])
def test_a_schedule_is_a_number_of_days(administrator: Caller, schedule: str, body: dict[str, object]) -> None:
    administrator.ask("PUT", schedule, body, status=422)

    assert Connection.objects.get().rotate_every_days is None


def test_a_key_that_cannot_make_others_gets_no_schedule_but_loses_one(administrator: Caller, schedule: str) -> None:
    Connection.objects.update(org_id="org-1", rotate_every_days=30)

    assert "by hand" in administrator.ask("PUT", schedule, {"days": 30}, status=400)["message"]
    administrator.ask("PUT", schedule, {"days": None})
    assert Connection.objects.get().rotate_every_days is None


@pytest.mark.parametrize(("scope", "status"), [("connections:write", 403), ("connections:rotate", 200)])
def test_it_takes_a_scope_of_its_own(schedule: str, address: str, scope: str, status: int) -> None:
    caller = make_caller(make_user("ana", "Administrator"), scopes=["connections:read", scope])

    caller.ask("PUT", schedule, {"days": 30}, status=status)
    caller.post(address, status=status)
    assert bool(KeyRotation.objects.exists()) is (status == 200)
