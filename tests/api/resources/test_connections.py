"""Connections to the apps that secrets are read from: each app's routes know its own, and a token's scopes hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User

from accounts.roles import ADMINISTRATOR
from api.auth.scopes import SCOPES
from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from tests.api.conftest import Caller, make_caller, make_user

ROOT = "/api/v1/app-connections"
GIVEN: dict[str, tuple[str, dict[str, str]]] = {
    "devin": ("api-key", {"apiKey": "cog_canary"}),
    "infisical": ("universal-auth", {"clientId": "canary-id", "clientSecret": "canary-secret"}),
    "hashicorp-vault": ("app-role", {"roleId": "canary-role", "secretId": "canary-secret"}),
}
APPS = pytest.mark.parametrize("app", list(GIVEN))
ROUTES = [
    ("GET", "", "connections:read"),
    ("GET", "/available", "connections:use"),
    ("GET", "/connection-name/to-{app}", "connections:read"),
    ("GET", "/{id}", "connections:read"),
    ("PATCH", "/{id}", "connections:write"),
    ("DELETE", "/{id}", "connections:write"),
]


@pytest.fixture
def stored(db: None) -> dict[str, Connection]:
    """One connection to each app, at an address where nobody is asked."""
    made = {}
    for app, (method, credentials) in GIVEN.items():
        made[app] = Connection(name=f"to-{app}", app=app, method=method, base_url="https://infisical.example")
        made[app].set_credentials(credentials)
        made[app].save()
    return made


@pytest.fixture
def infisical() -> Iterator[InfisicalSandbox]:
    with InfisicalSandbox() as server:
        server.world.add_identity(*GIVEN["infisical"][1].values())
        yield server


def body_for(infisical: InfisicalSandbox, **other: Any) -> dict[str, Any]:
    return {"name": "made", "credentials": {**GIVEN["infisical"][1], "baseUrl": infisical.url}, **other}


@pytest.fixture
def owner(db: None) -> User:
    """May do everything; each token of theirs, what its scopes say."""
    return make_user("owner", ADMINISTRATOR)


@APPS
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_token_does_what_its_scope_says_and_nothing_else(
    owner: User, stored: dict[str, Connection], app: str, route: tuple[str, str, str]
) -> None:
    method, path, scope = route
    path = f"{ROOT}/{app}{path.format(app=app, id=stored[app].pk)}"
    body = {"description": "new"} if method == "PATCH" else None
    make_caller(owner, scopes=sorted(set(SCOPES) - {scope})).ask(method, path, body, status=403)
    assert Connection.objects.filter(description="").count() == len(GIVEN)

    answer = make_caller(owner, scopes=[scope]).ask(method, path, body)

    assert f"to-{app}" in str(answer)
    assert "canary" not in str(answer)


@APPS
def test_a_token_that_may_only_look_makes_nothing(owner: User, app: str) -> None:
    body = {"name": "made", "credentials": GIVEN[app][1]}

    make_caller(owner, scopes=["connections:read", "connections:use"]).post(f"{ROOT}/{app}", body, status=403)

    assert not Connection.objects.exists()


@APPS
def test_each_app_lists_its_own(administrator: Caller, stored: dict[str, Connection], app: str) -> None:
    for path in ("", "/available"):
        rows = administrator.get(f"{ROOT}/{app}{path}")["appConnections"]
        assert [(row["app"], row["name"]) for row in rows] == [(app, f"to-{app}")]

    assert {row["app"] for row in administrator.get(ROOT)["appConnections"]} == set(GIVEN)


@APPS
@pytest.mark.parametrize("other", list(GIVEN))
def test_the_connection_of_another_app_is_neither_shown_nor_changed(
    administrator: Caller, stored: dict[str, Connection], app: str, other: str
) -> None:
    path, status = f"{ROOT}/{app}/{stored[other].pk}", 200 if app == other else 400

    administrator.get(path, status=status)
    administrator.patch(path, {"description": "new"}, status=status)
    administrator.get(f"{ROOT}/{app}/connection-name/to-{other}", status=200 if app == other else 404)
    administrator.delete(path, status=status)

    assert Connection.objects.filter(pk=stored[other].pk).exists() is (app != other)


@APPS
@pytest.mark.parametrize(
    "wrong",
    [
        ({"name": "n" * 33}, "name"),
        ({"name": "not a slug"}, "name"),
        ({"description": "d" * 257}, "description"),
        ({"method": "kubernetes"}, "method"),
        ({"credentials": "canary"}, "credentials"),
        ({"credentials": {"baseUrl": 1}}, "credentials"),
    ],
)
def test_a_mistake_is_said_at_its_field(
    administrator: Caller, stored: dict[str, Connection], app: str, wrong: tuple[dict[str, Any], str]
) -> None:
    body, field = wrong
    answer = administrator.patch(f"{ROOT}/{app}/{stored[app].pk}", body, status=422)

    assert answer["error"] == "ValidationFailure"
    assert {each["path"][0] for each in answer["message"]} == {field}
    assert "canary" not in str(answer)
    assert Connection.objects.get(pk=stored[app].pk).version == stored[app].version


@APPS
def test_a_name_is_taken_whatever_the_app(administrator: Caller, stored: dict[str, Connection], app: str) -> None:
    for taken in {f"to-{other}" for other in GIVEN} - {f"to-{app}"}:
        answer = administrator.patch(f"{ROOT}/{app}/{stored[app].pk}", {"name": taken}, status=400)
        assert f"a connection named {taken} already" in answer["message"]


def test_a_login_that_is_refused_saves_nothing_and_is_tried_once(
    administrator: Caller, infisical: InfisicalSandbox
) -> None:
    infisical.world.identities["canary-id"].secret = "another"

    answer = administrator.post(f"{ROOT}/infisical", body_for(infisical), status=400)

    assert answer["message"].startswith("Failed to validate credentials: ")
    assert "canary" not in str(answer)
    assert [each.status for each in infisical.world.seen] == [401]
    assert not Connection.objects.exists()


def test_the_same_request_again_logs_in_once(administrator: Caller, infisical: InfisicalSandbox) -> None:
    path, body = f"{ROOT}/infisical", body_for(infisical)
    first, again = (administrator.post(path, body, Idempotency_Key="once") for _ in range(2))

    assert first == again
    assert Connection.objects.count() == len(infisical.world.seen) == 1
    administrator.post(path, body | {"name": "other"}, status=422, Idempotency_Key="once")


def test_the_log_tells_what_was_done_and_no_credential(administrator: Caller, infisical: InfisicalSandbox) -> None:
    made = administrator.post(f"{ROOT}/infisical", body_for(infisical))["appConnection"]
    administrator.patch(f"{ROOT}/infisical/{made['id']}", {"description": "Ours"})
    administrator.delete(f"{ROOT}/infisical/{made['id']}")

    rows = LogEntry.objects.filter(object_id=made["id"]).order_by("pk")
    assert [row.action_flag for row in rows] == [ADDITION, CHANGE, DELETION]
    assert "description" in rows[1].change_message
    assert "canary" not in str(list(rows.values()))
