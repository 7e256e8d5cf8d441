"""Connections to a real OpenBao, by the admin's form and by the API: the two methods and what belongs to each."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from connections.errors import ConnectionFailed
from connections.models import Connection
from connections.openbao.app import OpenBao as Kind
from connections.openbao.app import clean_path
from connections.ways import clean_certificate
from tests.api.conftest import Caller
from tests.openbao import AppRole, OpenBao

pytestmark = pytest.mark.django_db

API = "/api/v1/app-connections/hashicorp-vault"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "", "x")


@pytest.fixture
def browser(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def caller(root: User) -> Caller:
    return Caller(ApiToken.issue(root, "tests")[1])


def add_page(method: str) -> str:
    return f"{reverse('admin:connections_connection_add')}?app={Kind.name}&method={method}"


def form(url: str, **entered: Any) -> dict[str, Any]:
    empty = {"namespace": "", "mount": "", "kv_version": "auto", "auth_path": "", "ca_certificate": ""}
    return empty | {"name": "vault", "base_url": url, "concurrency": 4, "seen_version": 1} | entered


def role_form(url: str, role: AppRole, **entered: Any) -> dict[str, Any]:
    return form(url, role_id=role.role_id, secret_id=role.secret_id, **entered)


def test_an_approle_is_logged_in_when_it_is_saved(openbao: OpenBao, browser: Client) -> None:
    role = openbao.approle()

    page = browser.post(add_page("app-role"), role_form(openbao.url, role, mount="/kv/"), follow=True)

    assert f"{role.name} (AppRole)" in page.content.decode()
    connection = Connection.objects.get()
    assert (connection.app, connection.method, connection.is_valid) == (Kind.name, "app-role", True)
    assert connection.parameters == {"mount": "kv", "kvVersion": "auto"}
    assert connection.credentials() == {"roleId": role.role_id, "secretId": role.secret_id}
    assert connection.credentials_hint == role.role_id[-4:]
    shown = browser.get(reverse("admin:connections_connection_change", args=[connection.pk])).content.decode()
    assert role.secret_id not in shown
    assert role.role_id not in shown


def test_a_token_is_looked_up_when_it_is_saved(openbao: OpenBao, browser: Client) -> None:
    token = openbao.token(display_name="deployer")

    page = browser.post(add_page("access-token"), form(openbao.url, access_token=token), follow=True)

    assert "token-deployer (token)" in page.content.decode()
    assert token not in page.content.decode()
    assert Connection.objects.get().credentials() == {"accessToken": token}


@pytest.mark.parametrize("method", ["app-role", "access-token"])
def test_what_the_server_does_not_accept_is_not_saved(openbao: OpenBao, browser: Client, method: str) -> None:
    entered = {"role_id": "canary-role", "secret_id": "canary-secret", "access_token": "canary-token"}

    page = browser.post(add_page(method), form(openbao.url, **entered))

    assert page.status_code == 200
    assert "Could not" in page.content.decode()
    assert "canary" not in page.content.decode()
    assert not Connection.objects.exists()


def test_a_namespace_a_mount_of_approle_and_a_private_authority(openbao: OpenBao, browser: Client) -> None:
    namespace = openbao.namespace()
    role = openbao.approle(mount="ours", namespace=namespace)
    entered = {"namespace": namespace, "auth_path": "ours", "ca_certificate": openbao.ca_pem.replace("\n", "\r\n")}

    refused = browser.post(add_page("app-role"), role_form(openbao.tls_url, role, **entered | {"ca_certificate": ""}))
    saved = browser.post(add_page("app-role"), role_form(openbao.tls_url, role, **entered))

    assert (refused.status_code, saved.status_code) == (200, 302)
    connection = Connection.objects.get()
    assert connection.parameters["caCertificate"] == openbao.ca_pem
    connection.verify()


@pytest.mark.parametrize(
    ("field", "value"), [("namespace", "other"), ("auth_path", "other"), ("ca_certificate", "OTHER"), ("base_url", "")]
)
def test_credentials_do_not_go_elsewhere_unless_entered_again(
    openbao: OpenBao, browser: Client, field: str, value: str
) -> None:
    browser.post(add_page("app-role"), role_form(openbao.url, openbao.approle()))
    connection = Connection.objects.get()
    changed = {"OTHER": openbao.ca_pem, "": "https://localhost:9"}.get(value, value)
    entered = form(openbao.url, role_id="", secret_id="", seen_version=connection.version) | {field: changed}

    page = browser.post(reverse("admin:connections_connection_change", args=[connection.pk]), entered)

    assert page.status_code == 200
    assert "the stored one" in page.content.decode()
    connection.refresh_from_db()
    assert (connection.base_url, connection.parameters.get("namespace")) == (openbao.url, None)


def test_the_mount_may_change_without_them(openbao: OpenBao, browser: Client) -> None:
    browser.post(add_page("app-role"), role_form(openbao.url, openbao.approle()))
    connection = Connection.objects.get()
    entered = form(openbao.url, role_id="", secret_id="", seen_version=connection.version, mount="teams/kv")

    page = browser.post(reverse("admin:connections_connection_change", args=[connection.pk]), entered)

    assert page.status_code == 302
    connection.refresh_from_db()
    assert connection.parameters["mount"] == "teams/kv"


def test_one_half_of_an_approle_is_not_replaced(openbao: OpenBao, browser: Client) -> None:
    browser.post(add_page("app-role"), role_form(openbao.url, openbao.approle()))
    connection = Connection.objects.get()
    entered = form(openbao.url, role_id="", secret_id="canary", seen_version=connection.version)

    page = browser.post(reverse("admin:connections_connection_change", args=[connection.pk]), entered)

    assert "Enter the role ID too" in page.content.decode()


def test_a_host_that_is_not_listed_gets_nothing(browser: Client) -> None:
    page = browser.post(add_page("access-token"), form("https://vault.example.com", access_token="canary"))

    assert "SOURCE_HOSTS" in page.content.decode()


def test_the_test_tells_when_a_token_is_none_any_more(openbao: OpenBao, browser: Client) -> None:
    token = openbao.token()
    browser.post(add_page("access-token"), form(openbao.url, access_token=token))
    connection = Connection.objects.get()
    openbao.call("POST", "auth/token/revoke", {"token": token})

    page = browser.post(reverse("admin:connections_connection_test", args=[connection.pk]), follow=True)

    assert "expired, was revoked" in page.content.decode()
    connection.refresh_from_db()
    assert connection.is_valid is False


def test_an_approle_that_may_not_look_itself_up_is_known_by_its_login(openbao: OpenBao) -> None:
    role = openbao.approle(openbao.policy({"kv/data/shop": ["read"]}), token_no_default_policy=True)
    connection = Connection(app=Kind.name, method="app-role", name="vault", base_url=openbao.url)
    connection.set_credentials({"roleId": role.role_id, "secretId": role.secret_id})

    assert connection.identify().name == role.name


def test_a_sealed_server_is_said(openbao: OpenBao) -> None:
    connection = Connection(app=Kind.name, method="access-token", name="vault", base_url=openbao.url)
    connection.set_credentials({"accessToken": openbao.root_token})
    openbao.seal()

    with pytest.raises(ConnectionFailed, match="sealed"):
        connection.identify()


# The API


def test_the_api_makes_changes_and_deletes_them(openbao: OpenBao, caller: Caller) -> None:
    role, other = openbao.approle(), openbao.approle(mount="ours")
    credentials = {"instanceUrl": openbao.url, "roleId": role.role_id, "secretId": role.secret_id, "mount": "kv"}

    made = caller.post(API, {"name": "vault", "method": "app-role", "credentials": credentials})["appConnection"]

    assert (made["app"], made["method"], made["credentials"], made["baseUrl"]) == (
        Kind.name,
        "app-role",
        {},
        openbao.url,
    )
    connection = Connection.objects.get()
    assert (connection.parameters, connection.principal_name) == ({"mount": "kv"}, role.name)
    found = caller.get(f"{API}/connection-name/vault")["appConnection"]
    assert found == made
    changed = {"baseUrl": openbao.url, "roleId": other.role_id, "secretId": other.secret_id, "authPath": "ours"}
    caller.send("PATCH", f"{API}/{made['id']}", {"credentials": changed})
    connection.refresh_from_db()
    assert (connection.parameters, connection.principal_name) == ({"authPath": "ours"}, other.name)
    assert caller.send("DELETE", f"{API}/{made['id']}").status_code == 200
    assert not Connection.objects.exists()


def test_the_api_takes_a_token(openbao: OpenBao, caller: Caller) -> None:
    credentials = {"instanceUrl": openbao.tls_url, "accessToken": openbao.token(), "caCertificate": openbao.ca_pem}

    caller.post(API, {"name": "vault", "method": "access-token", "credentials": credentials})

    assert Connection.objects.get().method == "access-token"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"credentials": {"instanceUrl": "URL", "roleId": "canary", "secretId": "canary"}}, 400),
        ({"credentials": {"instanceUrl": "URL", "roleId": "canary"}}, 422),
        ({"credentials": {"instanceUrl": "URL", "accessToken": "canary"}}, 422),
        ({"credentials": {"roleId": "canary", "secretId": "canary"}}, 422),
        ({"credentials": {"instanceUrl": "https://vault.example.com", "roleId": "canary", "secretId": "canary"}}, 422),
        ({"credentials": {"instanceUrl": "URL", "roleId": "canary", "secretId": "canary", "mount": "../x"}}, 422),
        ({"credentials": {"instanceUrl": "URL", "roleId": "canary", "secretId": "canary", "kvVersion": "3"}}, 422),
        ({"credentials": {"instanceUrl": "URL", "roleId": "canary", "secretId": "canary", "caCertificate": "x"}}, 422),
        ({"credentials": {"instanceUrl": "URL", "roleIds": "canary", "secretId": "canary"}}, 422),
        ({"method": "kubernetes", "credentials": {"instanceUrl": "URL"}}, 422),
        ({"credentials": "canary"}, 422),
    ],
    ids=str,
)
def test_the_api_refuses_what_cannot_be_and_repeats_nothing(
    openbao: OpenBao, caller: Caller, body: dict[str, Any], status: int
) -> None:
    given = body | {"name": "vault"}
    if isinstance(credentials := body["credentials"], dict):
        given["credentials"] = {key: openbao.url if text == "URL" else text for key, text in credentials.items()}

    answer = caller.send("POST", API, given)

    assert answer.status_code == status
    assert "canary" not in answer.content.decode()
    assert not Connection.objects.exists()


def test_the_method_of_a_connection_stays(openbao: OpenBao, caller: Caller) -> None:
    credentials = {"instanceUrl": openbao.url, "accessToken": openbao.token()}
    made = caller.post(API, {"name": "vault", "method": "access-token", "credentials": credentials})["appConnection"]

    answer = caller.send("PATCH", f"{API}/{made['id']}", {"method": "app-role"})

    assert answer.status_code == 422
    assert "stays access-token" in answer.content.decode()


# What can be entered


@pytest.mark.parametrize("path", ["", "..", "a/../b", "a//b", "a\nb", "x" * 300, "a/./b"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        clean_path(path)


def test_a_certificate_is_one_and_no_key(openbao: OpenBao) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"

    assert clean_certificate(f"\r\n{openbao.ca_pem}\r\n{openbao.ca_pem}") == openbao.ca_pem * 2
    for wrong in ("", "x", key, openbao.ca_pem + key, openbao.ca_pem[:60] + openbao.ca_pem[-27:], "é"):
        with pytest.raises(ValidationError):
            clean_certificate(wrong)
