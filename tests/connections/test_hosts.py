"""DEVIN_HOSTS: which hosts connections may lead to, and that nothing is sent to any other."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from connections.checks import check_ca_bundle, check_hosts, check_proxy
from connections.devin.client import DevinClient
from connections.devin.errors import Unreachable
from connections.hosts import clean_devin_url, route_to
from connections.listing import matches
from connections.models import Connection

KEY = "cog_canary"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("api.devin.ai", "https://api.devin.ai"),
        ("API.Devin.AI", "https://api.devin.ai"),
        (" api.devin.ai ", "https://api.devin.ai"),
        ("devin.corp", "https://devin.corp:8443"),
        ("devin.corp:8443", "https://devin.corp:8443"),
        ("devin.corp:443", "https://devin.corp"),
        (".corp", "https://devin.corp"),
        (".devin.corp", "https://api.devin.corp"),
        (".devin.corp", "https://a.b.devin.corp"),
        (".devin.corp", "https://devin.corp"),
        (".devin.corp:8443", "https://a.devin.corp:8443"),
        ("10.0.0.7", "https://10.0.0.7"),
        ("fd12::7", "https://[fd12::7]"),
        ("[fd12::7]:8443", "https://[fd12::7]:8443"),
    ],
)
def test_a_listed_host_is_one(entry: str, url: str) -> None:
    assert matches(url, [entry])


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("api.devin.ai", "https://api.devin.ai.mallory.example"),
        ("api.devin.ai", "https://xapi.devin.ai"),
        ("api.devin.ai", "https://devin.ai"),
        ("api.devin.ai", "https://a.api.devin.ai"),
        ("devin.corp:8443", "https://devin.corp"),
        ("devin.corp:443", "https://devin.corp:8443"),
        (".devin.corp", "https://xdevin.corp"),
        (".devin.corp:8443", "https://a.devin.corp"),
        ("10.0.0.7", "https://10.0.0.70"),
        ("", "https://devin.corp"),
        (".", "https://devin.corp"),
    ],
)
def test_another_host_is_none(entry: str, url: str) -> None:
    assert not matches(url, [entry])


@pytest.mark.parametrize("url", ["http://127.0.0.1:8123", "http://localhost:9", "http://[::1]:9", "https://localhost"])
def test_this_machine_needs_no_entry(settings: LazySettings, url: str) -> None:
    settings.DEVIN_HOSTS = []

    assert clean_devin_url(url) == url


def test_the_usual_address_needs_no_entry(settings: LazySettings) -> None:
    settings.DEVIN_HOSTS, settings.DEVIN_API_URL = [], "https://devin.corp"

    assert clean_devin_url("https://devin.corp/") == "https://devin.corp"
    with pytest.raises(ValidationError, match="8443 is not among the hosts"):
        clean_devin_url("https://devin.corp:8443")


@pytest.mark.parametrize(
    "url",
    ["https://mallory.test", "https://10.0.0.7", "https://2130706433", "https://127.1", "https://169.254.169.254"],
)
def test_a_connection_is_not_saved_for_another_host(settings: LazySettings, url: str) -> None:
    settings.DEVIN_HOSTS = ["api.devin.ai"]

    with pytest.raises(ValidationError, match="is not among the hosts that this installation may talk to"):
        Connection(name="acme", base_url=url).clean_fields()


@pytest.mark.django_db
def test_nothing_is_sent_to_a_host_that_is_not_listed_any_more(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key(KEY)
    connection.save()
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: asked.append(args))
    settings.DEVIN_HOSTS = ["api.devin.ai"]

    with pytest.raises(Unreachable, match="not among the hosts that DEVIN_HOSTS allows") as caught:
        connection.verify()

    assert not caught.value.retryable
    assert connection.is_valid is False
    assert not asked


@pytest.mark.parametrize("listed", [True, False])
def test_only_a_listed_host_may_be_in_a_private_network(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    settings.DEVIN_HOSTS = [".example"] if listed else []
    given: list[bool] = []

    def recording(**options: Any) -> DevinClient:
        given.append(options["route"].private)
        return DevinClient(**options)

    monkeypatch.setattr("connections.devin.app.DevinClient", recording)
    connection = Connection(name="acme", base_url="https://localhost" if not listed else "https://devin.example")
    connection.set_api_key(KEY)

    connection.open_client().close()

    assert given == [listed]


# One message


@contextmanager
def speaking_no_tls() -> Iterator[socket.socket]:
    """Counts nothing, answers every connection with a line that is no TLS."""

    def answer() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.sendall(b"220 at your service\r\n")
                sock.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_page_does_not_tell_an_open_port_from_a_closed_one(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"https://localhost:{free.getsockname()[1]}"
    with speaking_no_tls() as listener, caplog.at_level(logging.WARNING):
        opened = f"https://localhost:{listener.getsockname()[1]}"
        told = {said_of(url) for url in (opened, closed)}

    assert len(told) == 1
    assert "no connection came about" in told.pop()
    assert "protocol was not accepted" in caplog.text
    assert "refused" in caplog.text
    assert "canary" not in caplog.text


def said_of(url: str) -> str:
    connection = Connection(name="acme", base_url=url)
    connection.set_api_key(KEY)
    with pytest.raises(Unreachable) as caught:
        connection.identify()
    return caught.value.message


# Settings


@pytest.mark.parametrize(
    "entry", ["https://api.devin.ai", "api.devin.ai/v3", "*", "*.corp", "a b", "host:port", "u@host", "", "."]
)
def test_a_wrong_entry_is_told_at_the_start(settings: LazySettings, entry: str) -> None:
    settings.DEVIN_HOSTS = ["api.devin.ai", entry]

    assert [problem.id for problem in check_hosts(None)] == ["connections.E001"]


def test_a_wrong_proxy_is_told_at_the_start_without_its_password(settings: LazySettings) -> None:
    settings.OUTBOUND_PROXY = "https://alice:canary@proxy.corp"
    assert [problem.id for problem in check_proxy(None)] == ["connections.E004"]
    assert "canary" not in str(check_proxy(None))

    settings.OUTBOUND_PROXY = "http://alice:canary@proxy.corp:3128"
    assert check_proxy(None) == []
    route = route_to("https://devin.example")
    assert route.proxy is not None
    assert (route.proxy.host, route.proxy.port) == ("proxy.corp", 3128)


def test_right_entries_pass(settings: LazySettings) -> None:
    settings.DEVIN_HOSTS = ["api.devin.ai", "devin.corp:8443", ".corp", "10.0.0.7", "fd12::7", "[fd12::7]:8443"]

    assert check_hosts(None) == []


def test_a_bundle_that_cannot_be_read_is_told_at_the_start(settings: LazySettings, tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")

    for path in (tmp_path / "missing.pem", tmp_path / "text.pem"):
        settings.OUTBOUND_CA_BUNDLE = str(path)
        assert [problem.id for problem in check_ca_bundle(None)] == ["connections.E002"]
    settings.OUTBOUND_CA_BUNDLE = ""
    assert check_ca_bundle(None) == []
