from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry

from accounts.roles import ADMINISTRATOR
from connections.models import Connection, KeyLife
from sandbox.server import Sandbox
from syncs.models import DevinSync
from tests.api.conftest import API_KEY, Caller, make_caller, make_user

CONNECTIONS = "/api/v1/app-connections"
DEVIN = f"{CONNECTIONS}/devin"


@pytest.fixture
def body(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "name": "acme",
        "description": "The shop's",
        "method": "api-key",
        "credentials": {"apiKey": API_KEY, "baseUrl": sandbox.url},
        "isPlatformManagedCredentials": False,
        "gatewayId": None,
    }


def test_creates_a_connection_and_keeps_its_key(administrator: Caller, body: dict[str, Any]) -> None:
    created = administrator.post(DEVIN, body)["appConnection"]

    assert created["credentials"] == {}
    assert (created["name"], created["app"], created["method"]) == ("acme", "devin", "api-key")
    assert created["orgId"] == "org-sandbox"
    assert API_KEY not in str(created)
    assert Connection.objects.get().is_valid
    assert administrator.get(f"{DEVIN}/{created['id']}")["appConnection"] == created
    assert administrator.get(f"{DEVIN}/connection-name/acme")["appConnection"] == created
    assert administrator.get(DEVIN)["appConnections"] == [created]


def test_refuses_a_key_that_devin_refuses(administrator: Caller, body: dict[str, Any]) -> None:
    body["credentials"]["apiKey"] = "cog_wrong"

    answer = administrator.post(DEVIN, body, status=400)

    assert answer["message"].startswith("Failed to validate credentials: ")
    assert "cog_wrong" not in str(answer)
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "part",
    [
        {"credentials": {"apiKey": "nope_1"}},
        {"credentials": {"apiKey": "cog_1", "baseUrl": "http://example.com"}},
        {"credentials": {"apiKey": "cog_1", "baseUrl": "https://u:p@example.com"}},
        {"name": "n" * 33},
        {"isPlatformManagedCredentials": True},
        {"gatewayId": "g-1"},
        {"method": "oauth"},
        {"credentials": {"apiKey": "cog_1", "base_url": "https://devin.example.com"}},
        {"credentials": {"apiKey": "cog_1", "baseURL": "https://devin.example.com"}},
    ],
)
def test_refuses_what_breaks_a_rule(administrator: Caller, body: dict[str, Any], part: dict[str, Any]) -> None:
    answer = administrator.post(DEVIN, body | part, status=422)

    assert "nope_1" not in str(answer)


def test_a_name_is_taken_once(administrator: Caller, body: dict[str, Any], connection: Connection) -> None:
    administrator.post(DEVIN, body | {"name": connection.name}, status=400)


def test_a_new_key_changes_the_hash_and_the_version(administrator: Caller, connection: Connection) -> None:
    before = administrator.get(f"{DEVIN}/{connection.pk}")["appConnection"]

    after = administrator.patch(f"{DEVIN}/{connection.pk}", {"credentials": {"apiKey": API_KEY}})["appConnection"]

    assert after["credentialsHash"] != before["credentialsHash"]
    assert after["version"] == before["version"] + 1


def test_a_new_address_needs_the_key_again(administrator: Caller, connection: Connection, sandbox: Sandbox) -> None:
    with Sandbox() as other:
        body = {"credentials": {"baseUrl": other.url}}

        administrator.patch(f"{DEVIN}/{connection.pk}", body, status=422)

        assert other.log.requests() == []


@pytest.mark.parametrize("missing", ["connections:use", "vault:reveal"])
def test_a_token_points_no_connection_elsewhere_that_carries_what_it_may_not_read(
    sync: DevinSync, connection: Connection, missing: str
) -> None:
    scopes = sorted({"connections:read", "connections:write", "connections:use", "vault:reveal"} - {missing})
    caller = make_caller(make_user("administrator", ADMINISTRATOR), scopes=scopes)
    with Sandbox() as other:
        body = {"credentials": {"apiKey": API_KEY, "baseUrl": other.url}}

        answer = caller.patch(f"{DEVIN}/{connection.pk}", body, status=403)

        assert other.log.requests() == []
    assert "1 sync sends values through" in answer["message"]
    caller.patch(f"{DEVIN}/{connection.pk}", {"credentials": {"apiKey": API_KEY}}, status=403)
    caller.patch(f"{DEVIN}/{connection.pk}", {"description": "new"})
    sync.delete()
    caller.patch(f"{DEVIN}/{connection.pk}", {"credentials": {"apiKey": API_KEY}})


def test_the_log_names_the_old_and_the_new_address(
    administrator: Caller, sync: DevinSync, connection: Connection
) -> None:
    old = connection.base_url
    with Sandbox() as other:
        administrator.patch(f"{DEVIN}/{connection.pk}", {"credentials": {"apiKey": API_KEY, "baseUrl": other.url}})

        assert f"the address from {old} to {other.url}" in LogEntry.objects.latest("pk").change_message
    sync.refresh_from_db()
    assert sync.is_elsewhere


def test_a_connection_in_use_stays(administrator: Caller, sync: DevinSync, connection: Connection) -> None:
    answer = administrator.delete(f"{DEVIN}/{connection.pk}", status=400)

    assert "my-devin-sync" in answer["message"]
    used = administrator.get(f"{DEVIN}/{connection.pk}/usage")
    assert used["projects"][0]["secretSyncs"] == [{"id": str(sync.pk), "name": "my-devin-sync"}]
    DevinSync.objects.all().delete()
    administrator.delete(f"{DEVIN}/{connection.pk}")
    assert not Connection.objects.exists()


def test_tells_a_page_of_the_syncs_that_use_one(administrator: Caller, sync: DevinSync, connection: Connection) -> None:
    for number in range(3):
        other = DevinSync.objects.get(pk=sync.pk)
        other.pk, other.name, other.org_id = uuid4(), f"a-{number}", f"org-{number}"
        other.save(force_insert=True)

    def names(query: str) -> list[str]:
        projects = administrator.get(f"{DEVIN}/{connection.pk}/usage{query}")["projects"]
        return [each["name"] for project in projects for each in project["secretSyncs"]]

    assert names("") == ["a-0", "a-1", "a-2", "my-devin-sync"]
    assert names("?limit=2") == ["a-0", "a-1"]
    assert names("?limit=2&offset=3") == ["my-devin-sync"]
    assert names("?offset=4") == []
    administrator.get(f"{DEVIN}/{connection.pk}/usage?limit=0", status=422)


def test_says_which_ones_the_caller_may_use(editor: Caller, viewer: Caller, connection: Connection) -> None:
    available = editor.get(f"{DEVIN}/available?projectId=any")["appConnections"]

    assert [each["name"] for each in available] == ["my-devin-connection"]
    viewer.get(f"{DEVIN}/available", status=403)
    options = viewer.get(f"{CONNECTIONS}/options")["appConnectionOptions"]
    assert {"name": "Devin", "app": "devin", "methods": ["api-key"]} in options


# When the key expires


def test_takes_and_tells_when_a_key_expires(administrator: Caller, body: dict[str, Any]) -> None:
    made = administrator.post(DEVIN, body | {"keyExpiresAt": "2096-03-04T10:00:00+09:00"})["appConnection"]
    assert (made["keyExpiresAt"], made["keyExpiry"]) == ("2096-03-04T01:00:00Z", "entered")
    path = f"{DEVIN}/{made['id']}"

    kept = administrator.patch(path, {"description": "new"})["appConnection"]
    cleared = administrator.patch(path, {"keyExpiresAt": None})["appConnection"]

    assert kept["keyExpiresAt"] == made["keyExpiresAt"]
    assert (cleared["keyExpiresAt"], cleared["keyExpiry"]) == (None, "unknown")
    assert administrator.get(DEVIN)["appConnections"] == [cleared]


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2096-03-04T10:00:00", "9999-12-31T23:59:59Z", "soon"])
def test_refuses_an_expiry_that_cannot_be(administrator: Caller, connection: Connection, at: str) -> None:
    answer = administrator.patch(f"{DEVIN}/{connection.pk}", {"keyExpiresAt": at}, status=422)

    assert "keyExpiresAt" in str(answer)
    assert not KeyLife.objects.exists()


def test_what_devin_tells_of_a_key_is_not_entered(administrator: Caller, connection: Connection) -> None:
    KeyLife.objects.create(connection=connection, origin="told")

    answer = administrator.patch(
        f"{DEVIN}/{connection.pk}", {"keyExpiresAt": "2096-03-04T10:00:00Z", "name": "other"}, status=422
    )

    assert "Devin says itself when the API key expires. Leave this out." in str(answer)
    shown = administrator.get(f"{DEVIN}/{connection.pk}")["appConnection"]
    assert (shown["keyExpiry"], shown["keyExpiresAt"], shown["name"]) == ("never", None, connection.name)


def test_a_new_key_clears_an_expiry_unless_one_comes_with_it(administrator: Caller, connection: Connection) -> None:
    path = f"{DEVIN}/{connection.pk}"
    KeyLife.objects.create(connection=connection, origin="entered", expires_at=datetime(2095, 1, 1, tzinfo=UTC))

    with Sandbox() as service:
        other = {"credentials": {"apiKey": API_KEY, "baseUrl": service.url}}
        cleared = administrator.patch(path, other)["appConnection"]
        entered = administrator.patch(path, other | {"keyExpiresAt": "2096-03-04T10:00:00Z"})["appConnection"]

    assert (cleared["keyExpiresAt"], cleared["keyExpiry"]) == (None, "unknown")
    assert entered["keyExpiry"] == "entered"
