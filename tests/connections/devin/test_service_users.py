"""Service users and API keys: what is asked, what comes out, and what a refusal means."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from connections.devin import errors
from connections.devin.client import DevinClient
from connections.devin.keys import MayNotAsk, OwnKey, own_key
from tests.connections.devin.conftest import URL
from tests.connections.servers import page

USER = f"{URL}/v3/enterprise/members/service-users/su-1"
KEYS = f"{URL}/v3beta1/enterprise/service-users/su-1/api-keys"
TOKEN = "cog_canary-of-a-new-key"


def key(number: int, **members: Any) -> dict[str, Any]:
    given = {"api_key_id": f"k-{number}", "api_key_name": f"Key {number}", "is_active": True, "created_at": 1}
    return given | {"expires_at": None, "last_used_at": None, "revoked_at": None} | members


def user(**members: Any) -> dict[str, Any]:
    roles = [{"org_id": None, "role": {"role_id": "r", "role_name": "Secrets", "role_type": "enterprise"}}]
    given = {"service_user_id": "su-1", "name": "Bot", "expires_at": None, "deleted_at": None}
    return given | {"role_assignments": roles} | members


def test_reads_a_service_user(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(USER, json=user(expires_at=1_800_000_000, name="Bo\u202et", colour="blue"))

    found = client.get_service_user("su-1")

    assert (found.service_user_id, found.expires_at, found.roles[0].name) == ("su-1", 1_800_000_000, "Secrets")
    assert "\u202e" not in found.name


def test_lists_keys_by_pages_where_there_are_any(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(KEYS, json=page([key(1)], after="two"), match=[query_param_matcher({"status": "all"})])
    second = {"status": "all", "after": "two"}
    devin.get(KEYS, json=page([key(2, is_active=False, revoked_at=5)]), match=[query_param_matcher(second)])

    found = client.list_api_keys("su-1")

    assert [(each.key_id, each.name, each.is_active) for each in found] == [
        ("k-1", "Key 1", True),
        ("k-2", "Key 2", False),
    ]


def test_makes_a_key_whose_token_is_in_no_repr(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.post(KEYS, json={"api_key_id": "k-2", "api_key_name": "n", "token": TOKEN})

    made = client.create_api_key("su-1", name="n", expires_at=7)

    assert (made.key_id, made.token) == ("k-2", TOKEN)
    assert "canary" not in repr(made)
    assert json.loads(devin.calls[0].request.body or b"") == {"name": "n", "expires_at": 7}


def test_rotates_without_revoking(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.post(f"{KEYS}/k-1/rotate", json={"api_key_id": "k-2", "api_key_name": "n", "token": TOKEN})

    assert client.rotate_api_key("su-1", "k-1").key_id == "k-2"
    assert json.loads(devin.calls[0].request.body or b"") == {"revoke_current": False, "new_key_expires_at": None}


def test_a_key_that_is_revoked_already_stays_so(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.delete(f"{KEYS}/k-1", status=503)
    devin.delete(f"{KEYS}/k-1", status=409)

    client.revoke_api_key("su-1", "k-1")

    assert len(devin.calls) == 2


def test_a_key_that_nobody_knows_is_told(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.delete(f"{KEYS}/k-1", status=404)

    with pytest.raises(errors.NotFound, match="Check the service user in Devin"):
        client.revoke_api_key("su-1", "k-1")


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_key_is_no_taken_secret(client: DevinClient, devin: responses.RequestsMock, status: int) -> None:
    devin.post(KEYS, status=status, json={"detail": "A key of this name already exists"})

    with pytest.raises(errors.Refused, match="Look at its API keys"):
        client.create_api_key("su-1", name="n")


@pytest.mark.parametrize("token", [None, "", 7, "xoxb-other", "cog_", "cog_a b"])
def test_a_key_without_a_token_is_not_taken_for_made(
    client: DevinClient, devin: responses.RequestsMock, token: object
) -> None:
    devin.post(KEYS, json={"api_key_id": "k-2", "token": token})

    with pytest.raises(errors.Ambiguous):
        client.create_api_key("su-1", name="n")
    assert len(devin.calls) == 1, "sent again, it would make another key"


CALLS: list[tuple[str, str, Callable[[DevinClient], object]]] = [
    ("GET", USER, lambda client: client.get_service_user("su-1")),
    ("GET", KEYS, lambda client: client.list_api_keys("su-1")),
    ("POST", KEYS, lambda client: client.create_api_key("su-1", name="n")),
    ("POST", f"{KEYS}/k-1/rotate", lambda client: client.rotate_api_key("su-1", "k-1")),
    ("DELETE", f"{KEYS}/k-1", lambda client: client.revoke_api_key("su-1", "k-1")),
]


@pytest.mark.parametrize(("method", "address", "call"), CALLS)
def test_a_refusal_names_the_permission(
    client: DevinClient,
    devin: responses.RequestsMock,
    method: str,
    address: str,
    call: Callable[[DevinClient], object],
) -> None:
    devin.add(method, address, status=403)

    with pytest.raises(errors.Forbidden, match="ManageAccountServiceUsers"):
        call(client)


@pytest.mark.parametrize("member", ["api_key_id", "is_active"])
def test_a_list_of_something_else_is_unusable(client: DevinClient, devin: responses.RequestsMock, member: str) -> None:
    devin.get(KEYS, json=page([key(1, **{member: None})]))

    with pytest.raises(errors.Ambiguous):
        client.list_api_keys("su-1")


# What Devin says of the key that asks


def answer_self(devin: responses.RequestsMock, **members: Any) -> None:
    told = {"principal_type": "service_user", "service_user_id": "su-1", "service_user_name": "Bot", "org_id": None}
    devin.get(f"{URL}/v3/self", json=told | members)


OTHER = key(2, expires_at=50)
ENDS = [
    pytest.param({}, {"expires_at": 90}, [key(1, expires_at=70)], "k-1", 70, id="the only key ends first"),
    pytest.param({}, {"expires_at": 60}, [key(1, expires_at=70)], "k-1", 60, id="the service user ends first"),
    pytest.param({}, {}, [key(1)], "k-1", None, id="never"),
    pytest.param({}, {"expires_at": 90}, [key(1, expires_at=70), OTHER], "", 90, id="which of two is not told"),
    pytest.param({"api_key_id": "k-1"}, {}, [key(1, expires_at=70), OTHER], "k-1", 70, id="Devin tells which"),
    pytest.param({"api_key_id": "k-9"}, {}, [key(1), OTHER], "", None, id="Devin tells one that is not listed"),
    pytest.param({}, {}, [key(1, expires_at=70), key(2, is_active=False)], "k-1", 70, id="the other is revoked"),
    pytest.param({}, {"expires_at": 10**15}, [key(1)], "k-1", 253_370_678_400, id="beyond every calendar"),
]


@pytest.mark.parametrize(("principal", "about", "keys", "key_id", "ends"), ENDS)
def test_tells_when_the_key_that_asks_ends(
    client: DevinClient,
    devin: responses.RequestsMock,
    *,
    principal: dict[str, Any],
    about: dict[str, Any],
    keys: list[dict[str, Any]],
    key_id: str,
    ends: int | None,
) -> None:
    answer_self(devin, **principal)
    devin.get(USER, json=user(**about))
    devin.get(KEYS, json=page(keys))

    found = own_key(client)

    assert isinstance(found, OwnKey)
    assert (found.key_id, found.service_user_id) == (key_id, "su-1")
    assert (found.expires_at.timestamp() if found.expires_at else None) == ends


def test_takes_the_word_of_who_made_the_key(client: DevinClient, devin: responses.RequestsMock) -> None:
    answer_self(devin)
    devin.get(USER, status=403)
    devin.get(KEYS, json=page([key(1), OTHER]))

    found = own_key(client, known_id="k-2")

    assert isinstance(found, OwnKey)
    assert (found.key_id, found.expires_at is not None, len(found.active_keys)) == ("k-2", True, 2)


MAY_NOT = [
    pytest.param({"principal_type": "pat_user", "user_id": "u"}, "no key of a service user", 0, id="a person"),
    pytest.param({"org_id": "org-1"}, "one organization", 0, id="of one organization"),
    pytest.param({"service_user_id": None}, "no key of a service user", 0, id="nobody"),
    pytest.param({}, "ManageAccountServiceUsers", 2, id="refused"),
]


@pytest.mark.parametrize(("principal", "reason", "requests"), MAY_NOT)
def test_says_why_it_may_not_ask(
    client: DevinClient, devin: responses.RequestsMock, principal: dict[str, Any], reason: str, requests: int
) -> None:
    answer_self(devin, **principal)
    devin.get(USER, status=403)
    devin.get(KEYS, status=404)

    found = own_key(client)

    assert isinstance(found, MayNotAsk)
    assert reason in found.reason
    assert len(devin.calls) == 1 + requests


@pytest.mark.parametrize("status", [401, 503])
def test_what_is_no_answer_is_no_may_not(client: DevinClient, devin: responses.RequestsMock, status: int) -> None:
    answer_self(devin)
    devin.get(USER, status=status)

    with pytest.raises((errors.Unauthorized, errors.Ambiguous)):
        own_key(client)
