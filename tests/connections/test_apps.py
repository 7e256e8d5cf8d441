"""Connections to an app other than Devin: entered, stored, tested and pointed elsewhere by the same rules."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMINISTRATOR
from connections.devin.errors import Unreachable
from connections.infisical.errors import LoginRefused
from connections.models import Connection
from connections.registry import KINDS
from encryption import DecryptionError
from sources.models import LinkedProject
from syncs.admin.form_fields import usable_connections
from syncs.models import DevinSync
from tests.api.conftest import Caller, make_caller, make_user
from vault.models import Project

SITE = "https://infisical.example"
LOGIN = "/api/v1/auth/universal-auth/login"
ADD = "/admin/connections/connection/add/?app=infisical"
GIVEN = {"clientId": "canary-of-a-client-id-1234", "clientSecret": "canary-of-a-client-secret"}
TOKEN = "canary-of-a-token"
API = "/api/v1/app-connections/infisical"

pytestmark = pytest.mark.django_db


@pytest.fixture
def infisical() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as infisical:
        yield infisical


@pytest.fixture
def answering(infisical: responses.RequestsMock) -> responses.RequestsMock:
    for site in (SITE, f"{SITE}/own", "https://app.infisical.com", "https://other.example"):
        infisical.post(site + LOGIN, json={"accessToken": TOKEN, "expiresIn": 7200, "tokenType": "Bearer"})
    return infisical


@pytest.fixture
def connection() -> Connection:
    connection = Connection(name="vault", app="infisical", method="universal-auth", base_url=SITE)
    connection.set_credentials(GIVEN)
    connection.save()
    return connection


@pytest.fixture
def administrator() -> Caller:
    return make_caller(make_user("root", ADMINISTRATOR))


def posted(connection: Connection | None = None, **changes: Any) -> dict[str, Any]:
    form = {"name": "vault", "description": "", "base_url": SITE, "concurrency": 4, "seen_version": ""}
    entered = {"client_id": GIVEN["clientId"], "client_secret": GIVEN["clientSecret"]}
    if connection is not None:
        form["seen_version"], entered = str(connection.version), {}
    return {**form, **entered, **changes}


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def stored() -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_connection")
        rows = str(cursor.fetchall())
        cursor.execute("SELECT * FROM django_admin_log")
        return rows + str(cursor.fetchall())


def test_the_add_page_asks_for_the_app_first(admin_client: Client) -> None:
    page = admin_client.get("/admin/connections/connection/add/").content.decode()

    for kind in KINDS:
        assert f"?app={kind.name}&amp;method={kind.methods[0].name}" in page
    assert 'name="api_key"' in page
    page = admin_client.get(ADD).content.decode()
    assert 'name="client_secret"' in page
    assert 'name="api_key"' not in page
    assert "https://app.infisical.com" in page


def test_an_unknown_app_is_devin(admin_client: Client) -> None:
    assert 'name="api_key"' in admin_client.get("/admin/connections/connection/add/?app=nope").content.decode()


def test_adding_logs_in_once_and_keeps_nothing_readable(
    admin_client: Client, answering: responses.RequestsMock
) -> None:
    page = admin_client.post(ADD, posted(), follow=True).content.decode()

    made = Connection.objects.get()
    assert (made.app, made.method, made.is_valid, made.credentials_hint) == (
        "infisical",
        "universal-auth",
        True,
        "1234",
    )
    assert made.credentials() == GIVEN
    assert [json.loads(call.request.body or b"") for call in answering.calls] == [GIVEN]
    assert "Infisical accepts the client secret: machine identity." in page
    assert "canary" not in page + stored()


def test_a_refused_login_saves_nothing(admin_client: Client, infisical: responses.RequestsMock) -> None:
    infisical.post(SITE + LOGIN, status=401, json={"message": GIVEN["clientSecret"]})

    response = admin_client.post(ADD, posted())

    assert "Check client ID and client secret of connection “vault”" in errors_of(response)["client_secret"][0]
    assert "canary" not in response.content.decode()
    assert len(infisical.calls) == 1
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"client_secret": ""}, "client_secret", "This field is required."),
        ({"client_id": ""}, "client_id", "This field is required."),
        ({"client_secret": "canary of spaces"}, "client_secret", "no spaces"),
        ({"client_id": "canary" + "x" * 200}, "client_id", "at most 200 characters"),
        ({"base_url": "http://infisical.example"}, "base_url", "Use https"),
        ({"base_url": "https://infisical.example/a/../b"}, "base_url", "The path has names of"),
        ({"base_url": "https://infisical.example/?a=b"}, "base_url", "Leave out what comes after"),
        ({"base_url": "https://elsewhere.test"}, "base_url", "add it to SOURCE_HOSTS"),
        ({"base_url": "https://api.devin.ai"}, "base_url", "add it to SOURCE_HOSTS"),
    ],
)
def test_bad_input_is_said_at_its_field_and_asks_nobody(
    admin_client: Client, infisical: responses.RequestsMock, changes: dict[str, str], field: str, says: str
) -> None:
    response = admin_client.post(ADD, posted(None, **changes))

    assert set(errors_of(response)) == {field}
    assert says in errors_of(response)[field][0]
    assert "canary" not in response.content.decode()
    assert not infisical.calls


def test_a_server_may_stand_below_a_path(admin_client: Client, answering: responses.RequestsMock) -> None:
    admin_client.post(ADD, posted(base_url=f"{SITE}:443/own/"))

    assert Connection.objects.get().base_url == f"{SITE}/own"
    assert [call.request.url for call in answering.calls] == [f"{SITE}/own{LOGIN}"]


def test_half_of_the_credentials_is_not_enough(
    admin_client: Client, connection: Connection, infisical: responses.RequestsMock
) -> None:
    page = reverse("admin:connections_connection_change", args=[connection.pk])

    response = admin_client.post(page, posted(connection, client_secret="canary-2"))

    assert errors_of(response) == {"client_id": ["Enter the client ID too: they are stored together."]}
    assert not infisical.calls


def test_another_site_needs_the_credentials_again(
    admin_client: Client, connection: Connection, answering: responses.RequestsMock
) -> None:
    page = reverse("admin:connections_connection_change", args=[connection.pk])

    response = admin_client.post(page, posted(connection, base_url="https://other.example"))

    assert "the stored one is for https://infisical.example only." in errors_of(response)["client_secret"][0]
    assert not answering.calls
    entered = {"client_id": GIVEN["clientId"], "client_secret": GIVEN["clientSecret"]}
    admin_client.post(page, posted(connection, base_url="https://other.example", **entered))
    assert Connection.objects.get().base_url == "https://other.example"
    assert [call.request.url for call in answering.calls] == [f"https://other.example{LOGIN}"]


def test_the_change_page_shows_no_credential(admin_client: Client, connection: Connection) -> None:
    page = admin_client.get(reverse("admin:connections_connection_change", args=[connection.pk])).content.decode()

    assert "canary" not in page
    assert "Leave empty to keep the stored client ID (ends in …1234)." in page
    assert "Leave empty to keep the stored client secret." in page


def test_credentials_do_not_open_at_another_address(connection: Connection) -> None:
    Connection.objects.update(base_url="https://other.example")

    with pytest.raises(DecryptionError, match="Could not read the client secret of connection “vault”"):
        Connection.objects.get().identify()


def test_a_host_that_is_no_longer_listed_gets_nothing(
    connection: Connection, settings: Any, infisical: responses.RequestsMock
) -> None:
    settings.SOURCE_HOSTS = []

    with pytest.raises(Exception, match="is not among the hosts that SOURCE_HOSTS allows"):
        connection.verify()

    assert not infisical.calls


def test_verifying_records_why_it_failed(connection: Connection, infisical: responses.RequestsMock) -> None:
    infisical.post(SITE + LOGIN, status=401, json={"message": TOKEN})

    with pytest.raises(LoginRefused):
        connection.verify()

    assert Connection.objects.get().is_valid is False
    assert "Infisical answered 401" in Connection.objects.get().validation_message
    assert "canary" not in stored()


@pytest.mark.parametrize("app", ["vault", "", "devin"])
def test_a_method_belongs_to_its_app(app: str) -> None:
    with pytest.raises((ValidationError, KeyError)):
        Connection(name="a", app=app, method="universal-auth").set_credentials(GIVEN)


def test_no_sync_writes_to_it(connection: Connection) -> None:
    assert connection not in usable_connections(User(is_superuser=True))
    with pytest.raises(Unreachable, match="is not to Devin"):
        connection.open_client()


# The API


def test_the_api_creates_changes_and_deletes_one(administrator: Caller, answering: responses.RequestsMock) -> None:
    body = {"name": "vault", "method": "universal-auth", "credentials": {**GIVEN, "baseUrl": SITE}}

    made = administrator.post(API, body)["appConnection"]

    assert (made["app"], made["method"], made["credentials"], made["baseUrl"]) == (
        "infisical",
        "universal-auth",
        {},
        SITE,
    )
    assert administrator.get(f"{API}/{made['id']}")["appConnection"] == made
    assert administrator.get(f"{API}/connection-name/vault")["appConnection"] == made
    assert administrator.get(API)["appConnections"] == [made]
    assert administrator.get("/api/v1/app-connections")["appConnections"] == [made]
    assert [row["name"] for row in administrator.get(f"{API}/available")["appConnections"]] == ["vault"]
    assert administrator.get("/api/v1/app-connections/devin")["appConnections"] == []
    administrator.get(f"/api/v1/app-connections/devin/{made['id']}", status=400)
    changed = administrator.patch(f"{API}/{made['id']}", {"description": "new"})["appConnection"]
    assert (changed["description"], changed["credentialsHash"]) == ("new", made["credentialsHash"])
    assert administrator.delete(f"{API}/{made['id']}")["appConnection"]["name"] == "vault"
    assert "canary" not in str([made, changed]) + stored()


def test_the_usual_site_is_the_us_cloud(administrator: Caller, answering: responses.RequestsMock) -> None:
    made = administrator.post(API, {"name": "vault", "credentials": GIVEN})["appConnection"]

    assert made["baseUrl"] == "https://app.infisical.com"


@pytest.mark.parametrize(
    "credentials",
    [
        {"clientId": "a"},
        {"clientSecret": "canary"},
        {**GIVEN, "baseURL": SITE},
        {**GIVEN, "baseUrl": "https://elsewhere.test"},
        {**GIVEN, "clientSecret": "canary canary"},
        {"apiKey": "cog_canary"},
    ],
)
def test_the_api_refuses_what_breaks_a_rule(
    administrator: Caller, infisical: responses.RequestsMock, credentials: dict[str, str]
) -> None:
    answer = administrator.post(API, {"name": "vault", "credentials": credentials}, status=422)

    assert "canary" not in str(answer)
    assert not infisical.calls


def test_the_options_name_every_app(administrator: Caller) -> None:
    options = administrator.get("/api/v1/app-connections/options")["appConnectionOptions"]

    assert {"name": "Infisical", "app": "infisical", "methods": ["universal-auth"]} in options
    assert {"name": "Devin", "app": "devin", "methods": ["api-key"]} in options


# In use


@pytest.fixture
def linked(connection: Connection) -> LinkedProject:
    project = Project.objects.create(name="Shop", slug="shop", source="infisical")
    return LinkedProject.objects.create(project=project, connection=connection, remote_id="p1")


@pytest.fixture
def reading(linked: LinkedProject) -> DevinSync:
    to_devin = Connection.objects.create(name="to-devin")
    return DevinSync.objects.create(name="shop", project=linked.project, connection=to_devin, org_id="org-1")


def test_one_that_projects_are_linked_through_stays(administrator: Caller, linked: LinkedProject) -> None:
    answer = administrator.delete(f"{API}/{linked.connection_id}", status=400)

    assert "The connection vault is used by the linked project Shop." in answer["message"]
    assert Connection.objects.filter(pk=linked.connection_id).exists()


def test_the_list_and_the_page_tell_of_the_projects(admin_client: Client, linked: LinkedProject) -> None:
    assert "1 project" in admin_client.get("/admin/connections/connection/").content.decode()
    page = reverse("admin:connections_connection_change", args=[linked.connection_id])
    assert "Shop" in admin_client.get(page).content.decode()


@pytest.mark.parametrize("lacking", ["use_connection", "reveal_secret"])
def test_what_syncs_read_through_goes_elsewhere_by_those_alone_who_may_read_values(
    client: Client, reading: DevinSync, answering: responses.RequestsMock, lacking: str
) -> None:
    connection = Connection.objects.get(name="vault")
    user = User.objects.create_user("alice", is_staff=True)
    needed = {"view_connection", "change_connection", "use_connection", "reveal_secret"} - {lacking}
    user.user_permissions.set(Permission.objects.filter(codename__in=needed))
    client.force_login(user)
    entered = {"client_id": GIVEN["clientId"], "client_secret": GIVEN["clientSecret"]}
    page = reverse("admin:connections_connection_change", args=[connection.pk])

    response = client.post(page, posted(connection, base_url="https://other.example", **entered))

    assert "1 sync reads values through “vault”" in errors_of(response)["base_url"][0]
    assert not answering.calls
    assert Connection.objects.get(name="vault").base_url == SITE
