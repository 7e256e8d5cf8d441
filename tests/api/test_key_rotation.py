"""Rotation of a connection's key by the API."""

import pytest

from connections.models import Connection
from connections.rotation.models import KeyRotation
from tests.api.conftest import Caller

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
