"""A proxy and authorities of a connection's own: real TLS through a real proxy, and who may say so."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMINISTRATOR
from connections.devin.errors import Unreachable
from connections.models import Connection
from connections.registry import KINDS
from connections.ways import CA_CERTIFICATE, WAY, clean_proxy, described
from encryption import DecryptionError, seal
from sandbox.__main__ import read_certificate
from sandbox.certificates import self_signed_certificate
from sandbox.server import Sandbox
from tests.api.conftest import Caller, make_caller, make_user
from tests.connections.test_proxies import OK, Asked, proxying, saying, through_to

KEY = "cog_sandbox"
LOGIN = "alice:canary-of-a-proxy"
ADD = "/admin/connections/connection/add/"
API = "/api/v1/app-connections/devin"

pytestmark = pytest.mark.django_db


@pytest.fixture
def pem(tmp_path: Path) -> str:
    return self_signed_certificate(tmp_path).read_text()


@pytest.fixture
def authority(pem: str) -> str:
    return pem[pem.index("-----BEGIN CERTIFICATE") :]


@pytest.fixture
def devin(tmp_path: Path, pem: str) -> Iterator[Sandbox]:
    with Sandbox(host="localhost", tls=read_certificate(tmp_path / "localhost.pem")) as server:
        yield server


@pytest.fixture
def proxy(devin: Sandbox) -> Iterator[Asked]:
    with proxying(through_to(int(devin.url.rpartition(":")[2]))) as asked:
        yield asked


@pytest.fixture
def administrator() -> Caller:
    return make_caller(make_user("root", ADMINISTRATOR))


def url_of(proxy: Asked, login: str = "") -> str:
    return f"http://{login}{'@' if login else ''}127.0.0.1:{proxy.port}"


def posted(devin: Sandbox, connection: Connection | None = None, **changes: Any) -> dict[str, Any]:
    version = connection.version if connection else ""
    form = {"name": "acme", "base_url": devin.url, "concurrency": 4, "seen_version": version, "api_key": ""}
    kept = {each.name: connection.parameters.get(each.api_name, "") for each in WAY} if connection else {}
    return form | kept | changes


def page_of(connection: Connection) -> str:
    return reverse("admin:connections_connection_change", args=[connection.pk])


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


@pytest.fixture
def connection(devin: Sandbox, proxy: Asked, authority: str) -> Connection:
    made = Connection(name="acme", base_url=devin.url)
    made.parameters = {"proxy": url_of(proxy), "caCertificate": authority}
    made.set_credentials({"apiKey": KEY, "proxy": url_of(proxy, LOGIN)})
    made.save()
    return made


# The way


def test_every_app_takes_a_way_of_its_own() -> None:
    assert all(set(WAY) <= set(kind.parameters) for kind in KINDS)


def test_it_is_entered_in_the_admin_and_taken_from_the_first_question_on(
    admin_client: Client, devin: Sandbox, proxy: Asked, authority: str
) -> None:
    form = posted(devin, api_key=KEY, proxy=url_of(proxy, LOGIN), ca_certificate=authority)

    saved = admin_client.post(ADD, form)

    made = Connection.objects.get()
    assert (saved.status_code, made.is_valid) == (302, True)
    assert made.parameters == {"proxy": url_of(proxy), "caCertificate": authority}
    assert [head.split(b"\r\n")[0] for head in proxy.heads] == [f"CONNECT {devin.url[8:]} HTTP/1.1".encode()]
    assert b"\r\nProxy-Authorization: Basic " in proxy.heads[0]


def test_a_host_of_a_private_authority_is_trusted_by_that_connection_alone(connection: Connection) -> None:
    connection.verify()
    other = Connection(name="other", base_url=connection.base_url)
    other.set_api_key(KEY)
    other.save()

    with pytest.raises(Unreachable):
        other.verify()

    with connection.open_client() as client:
        client.get_self()
    with other.open_client() as client, pytest.raises(Unreachable):
        client.get_self()


def test_another_authority_is_not(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    text = self_signed_certificate(tmp_path / "other").read_text()
    connection.parameters["caCertificate"] = text[text.index("-----BEGIN CERTIFICATE") :]
    connection.set_api_key(KEY)

    with pytest.raises(Unreachable):
        connection.identify()


def test_the_environment_names_neither(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: Asked
) -> None:
    with proxying(saying(OK)) as ambient:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, url_of(ambient))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "*")
        (tmp_path / "empty.pem").write_text("")
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(tmp_path / "empty.pem"))

        connection.verify()

    assert (len(proxy.heads), ambient.heads) == (1, [])


# What is kept and shown


def test_the_login_is_sealed_and_shown_nowhere(admin_client: Client, connection: Connection, tmp_path: Path) -> None:
    pages = [page_of(connection), reverse("admin:connections_connection_changelist")]
    shown = "".join(admin_client.get(page).content.decode() for page in pages)
    call_command("dumpdata", "connections", output=tmp_path / "dump.json")
    stored = str(Connection.objects.values()) + (tmp_path / "dump.json").read_text() + repr(connection.route())

    assert connection.parameters["proxy"] in shown
    assert connection.credentials()["proxyLogin"] == LOGIN
    assert "canary" not in shown + stored


@pytest.mark.parametrize("wrong", ["", "://x", ":x", "/path", "@more"])
def test_a_form_that_is_refused_repeats_no_login(admin_client: Client, devin: Sandbox, wrong: str) -> None:
    typed = f"http://{LOGIN}@127.0.0.1:3128{wrong}"

    response = admin_client.post(ADD, posted(devin, proxy=typed))

    assert response.status_code == 200
    assert "canary" not in response.content.decode()


def test_new_credentials_leave_the_way_and_its_login(
    admin_client: Client, devin: Sandbox, connection: Connection
) -> None:
    response = admin_client.post(page_of(connection), posted(devin, connection, api_key=KEY))

    connection.refresh_from_db()
    assert response.status_code == 302
    assert connection.credentials()["proxyLogin"] == LOGIN


def test_whoever_may_only_look_sees_the_way(client: Client, connection: Connection) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    client.force_login(user)

    shown = client.get(page_of(connection)).content.decode()

    assert f"through {connection.parameters['proxy']}" in shown
    assert "canary" not in shown


# Pointing elsewhere


@pytest.mark.parametrize("change", ["proxy", "login", "ca_certificate", "without"])
def test_another_way_takes_the_credentials_again(
    admin_client: Client, devin: Sandbox, connection: Connection, proxy: Asked, change: str
) -> None:
    entered = {
        "proxy": {"proxy": "http://127.0.0.1:9"},
        "login": {"proxy": url_of(proxy, "bob:other")},
        "ca_certificate": {"ca_certificate": ""},
        "without": {"proxy": "", "ca_certificate": ""},
    }[change]

    response = admin_client.post(page_of(connection), posted(devin, connection, **entered))

    assert response.status_code == 200
    assert "Enter the API key" in str(errors_of(response)["api_key"])
    assert proxy.heads == []
    assert Connection.objects.get().where == connection.where


def test_what_a_database_writer_points_elsewhere_does_not_open(connection: Connection, authority: str) -> None:
    for parameters in ({}, {"caCertificate": authority}, connection.parameters | {"proxy": "http://127.0.0.1:9"}):
        Connection.objects.update(parameters=parameters)

        with pytest.raises(DecryptionError):
            Connection.objects.get().identify()


@pytest.mark.parametrize("written", ["http://proxy:x", "http://[::1", "proxy", "http://alice:x@127.0.0.1:3128", "//"])
def test_what_a_database_writer_makes_of_a_proxy_leads_nowhere(connection: Connection, written: str) -> None:
    connection.parameters["proxy"] = written

    with pytest.raises(Unreachable, match="is not among those that OUTBOUND_PROXIES allows"):
        connection.identify()


def test_it_is_on_record(admin_client: Client, devin: Sandbox, connection: Connection) -> None:
    before = connection.where

    admin_client.post(page_of(connection), posted(devin, connection, proxy="", api_key=KEY))

    now = Connection.objects.get().where
    assert LogEntry.objects.latest("pk").change_message == f"Changed the address from {before} to {now}, API key."
    assert before == f"{now.split(' ')[0]} through {connection.parameters['proxy']},{now.removeprefix(devin.url)}"


def test_what_was_sealed_to_the_address_alone_is_sealed_to_the_way(authority: str) -> None:
    old = Connection(name="old", base_url="https://devin.example", parameters={"caCertificate": authority})
    plain = f"connections.Connection/{old.pk}/sealed_credentials/{old.base_url}"
    old.sealed_credentials = seal(json.dumps({"apiKey": KEY}), context=plain)
    old.save()

    import_module("connections.migrations.0004_seal_to_the_way").seal_to_the_way(apps, None)

    assert Connection.objects.get().has_api_key(KEY)


# Which proxies


@pytest.mark.parametrize(
    ("listed", "proxy"),
    [
        ("", "http://127.0.0.1:3128"),
        ("", "http://[::1]:3128"),
        ("proxy.corp", "http://proxy.corp:3128"),
        ("proxy.corp:3128", "http://Proxy.Corp:3128/"),
        (".corp", "http://a.proxy.corp:8080"),
        ("10.0.0.7:80", "http://10.0.0.7"),
    ],
)
def test_listed_ones_and_this_machine_may_be_named(settings: LazySettings, listed: str, proxy: str) -> None:
    settings.OUTBOUND_PROXIES = [listed] if listed else []

    clean_proxy(proxy)


@pytest.mark.parametrize(
    "proxy", ["http://10.0.0.7:3128", "http://proxy.corp:8080", "http://corp.example", "http://169.254.169.254:80"]
)
def test_others_may_not(settings: LazySettings, proxy: str) -> None:
    settings.OUTBOUND_PROXIES = ["proxy.corp:3128", ".corp:1"]

    with pytest.raises(ValidationError, match=r"not among the proxies .* OUTBOUND_PROXIES"):
        clean_proxy(proxy)


def test_the_installations_own_may(settings: LazySettings) -> None:
    settings.OUTBOUND_PROXY = "http://alice:canary@proxy.corp:3128"

    assert clean_proxy("http://bob:x@PROXY.corp:3128") == "http://bob:x@proxy.corp:3128"


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1",
        "https://127.0.0.1:1",
        "127.0.0.1:1",
        "http://127.0.0.1:1/x",
        "http://127.0.0.1:x",
        "x\ny",
    ],
)
def test_what_is_no_proxy_is_refused(proxy: str) -> None:
    with pytest.raises(ValidationError, match="Enter a proxy such as"):
        clean_proxy(proxy)


def test_one_that_is_no_longer_listed_gets_nothing(
    settings: LazySettings, connection: Connection, proxy: Asked
) -> None:
    connection.parameters["proxy"] = "http://proxy.corp:3128"
    connection.set_api_key(KEY)

    with pytest.raises(Unreachable, match="not among those that OUTBOUND_PROXIES allows"):
        connection.identify()

    assert proxy.heads == []


def test_no_proxy_carries_plain_http(admin_client: Client, proxy: Asked) -> None:
    with Sandbox() as plain:
        response = admin_client.post(ADD, posted(plain, api_key=KEY, proxy=url_of(proxy)))

        assert plain.log.requests() == []
    assert "A proxy leads to https addresses alone" in response.content.decode()
    assert proxy.heads == []


# By the API


def test_the_api_takes_and_keeps_it(
    administrator: Caller, devin: Sandbox, proxy: Asked, authority: str, caplog: pytest.LogCaptureFixture
) -> None:
    way = {"proxy": url_of(proxy, LOGIN), "caCertificate": authority}
    body = {"name": "acme", "method": "api-key", "credentials": {"apiKey": KEY, "baseUrl": devin.url} | way}

    made = administrator.post(API, body)["appConnection"]
    kept = administrator.patch(f"{API}/{made['id']}", {"credentials": {"apiKey": KEY}})["appConnection"]

    assert (made["proxy"], made["caCertificate"]) == (url_of(proxy), authority)
    assert (kept["proxy"], kept["caCertificate"]) == (url_of(proxy), authority)
    assert Connection.objects.get().credentials()["proxyLogin"] == LOGIN
    assert "canary" not in str((made, kept)) + caplog.text

    gone = administrator.patch(f"{API}/{made['id']}", {"credentials": {"apiKey": KEY, "proxy": None}})["appConnection"]
    assert (gone["proxy"], gone["caCertificate"]) == (None, authority)
    assert "proxyLogin" not in Connection.objects.get().credentials()


@pytest.mark.parametrize("proxy", ["http://alice:canary@10.0.0.7:3128", "http://alice:canary@p/x", "canary"])
def test_the_api_refuses_another_without_repeating_it(administrator: Caller, devin: Sandbox, proxy: str) -> None:
    credentials = {"apiKey": KEY, "baseUrl": devin.url, "proxy": proxy}

    answer = administrator.post(API, {"name": "acme", "credentials": credentials}, status=422)

    assert "canary" not in str(answer)


def test_the_words_of_a_way_fit_their_column() -> None:
    words = described({"proxy": f"http://{'x' * 121}:3128", CA_CERTIFICATE.api_name: "pem"})

    assert len(words) <= 255
