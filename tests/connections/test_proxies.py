"""The way out through a proxy: what it is told, and what becomes of its answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connections.http import RequestFailed, Route, Transport
from connections.proxies import Proxy
from sandbox.certificates import self_signed_certificate
from tests.connections.servers import Server, reply, serving
from tests.patience import PATIENCE

HOST = "devin.example"
HEADERS = {"Authorization": "Bearer cog_canary"}
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"

Answer = Callable[[socket.socket], None]
# Seconds. What ends by the second is never there in time, however quick or slow the machine is.
PAUSE, A_WHILE = 0.05, 1.0


@dataclass
class Asked:
    port: int
    heads: list[bytes] = field(default_factory=list)

    def proxy(self, login: str = "") -> Proxy:
        return Proxy.parse(f"http://{login}127.0.0.1:{self.port}")


@contextmanager
def proxying(answer: Answer) -> Iterator[Asked]:
    """A proxy on loopback: it notes what it is asked, then `answer` has the socket."""

    def serve(sock: socket.socket) -> None:
        with suppress(OSError), sock:
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(1024)
            asked.heads.append(head)
            answer(sock)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = Asked(listener.getsockname()[1])
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def saying(text: bytes) -> Answer:
    return lambda sock: sock.sendall(text)


def leading_to(server: Server) -> Answer:
    return through_to(int(server.url.rpartition(":")[2]))


def through_to(port: int) -> Answer:
    def relay(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def answer(sock: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as target:
            sock.sendall(OK)
            threading.Thread(target=relay, args=(target, sock), daemon=True).start()
            relay(sock, target)

    return answer


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed_certificate(tmp_path, HOST)


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up here; only this machine's are found."""
    names: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        names.append(host)
        if host == HOST:
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


def get(proxy: Proxy, url: str, *, deadline: float = PATIENCE, **route: Any) -> Any:
    transport = Transport(deadline=timedelta(seconds=deadline), connections=2, route=Route(proxy=proxy, **route))
    return transport.send("GET", url, headers=HEADERS)


def test_the_proxy_leads_to_the_host_and_sees_its_name_alone(
    tls: ssl.SSLContext, certificate: Path, looked_up: list[str]
) -> None:
    with serving(lambda request, sock: reply(200, {"a": 1}), tls) as server, proxying(leading_to(server)) as asked:
        answer = get(asked.proxy(), f"https://{HOST}:8443", ca_file=str(certificate))

    assert answer.status == 200
    assert asked.heads == [f"CONNECT {HOST}:8443 HTTP/1.1\r\nHost: {HOST}:8443\r\n\r\n".encode()]
    assert server.requests[0].headers["authorization"] == "Bearer cog_canary"
    assert HOST not in looked_up


def test_the_host_must_prove_its_name_through_the_proxy_too(tls: ssl.SSLContext, certificate: Path) -> None:
    with (
        serving(lambda request, sock: reply(200), tls) as server,
        proxying(leading_to(server)) as asked,
        pytest.raises(RequestFailed, match="TLS certificate or protocol was not accepted"),
    ):
        get(asked.proxy(), "https://another.example", ca_file=str(certificate))

    assert server.requests == []


def test_the_proxy_is_told_who_asks(looked_up: list[str]) -> None:
    with proxying(saying(b"HTTP/1.1 407 Who are you\r\n\r\n")) as asked:
        proxy = asked.proxy("alice:p%40ss@")
        with pytest.raises(RequestFailed, match="the proxy answered 407") as caught:
            get(proxy, f"https://{HOST}")

    assert b"\r\nProxy-Authorization: Basic YWxpY2U6cEBzcw==\r\n" in asked.heads[0]
    assert not caught.value.sent
    assert "p@ss" not in repr(proxy) + str(caught.value)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n", "the proxy answered 403"),
        (b"HTTP/1.1 302 Elsewhere\r\nLocation: http://127.0.0.1\r\n\r\n", "the proxy answered 302"),
        (b"220 at your service\r\n\r\n", "something else than HTTP"),
        (b"HTTP/1.1 200 OK\r\n", "did not answer in full"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000, "did not answer in full"),
        (OK + b"HTTP/1.1 200 OK\r\n\r\n", "said more than its answer"),
        (b"", "did not answer in full"),
    ],
    ids=["403", "redirect", "no HTTP", "cut", "long", "more", "nothing"],
)
def test_what_is_no_agreement_sends_nothing(answer: bytes, reason: str) -> None:
    with proxying(saying(answer)) as asked, pytest.raises(RequestFailed, match=reason) as caught:
        get(asked.proxy(), f"https://{HOST}")

    assert not caught.value.sent


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["silent", "dripping"])
def test_a_slow_proxy_ends_at_the_deadline(start: bytes) -> None:
    given_up = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(start)
        while not given_up.wait(PAUSE):
            sock.sendall(b"x" if start else b"")

    with proxying(drip) as asked:
        with pytest.raises(RequestFailed, match="the host did not answer in time") as caught:
            get(asked.proxy(), f"https://{HOST}", deadline=A_WHILE)
        given_up.set()

    assert not caught.value.sent


def test_this_machine_is_reached_without(tls: ssl.SSLContext, certificate: Path) -> None:
    with proxying(saying(OK)) as asked:
        with serving(lambda request, sock: reply(200), tls) as server:
            assert get(asked.proxy(), server.secure_url, ca_file=str(certificate)).status == 200
        with serving(lambda request, sock: reply(200)) as server:
            assert get(asked.proxy(), server.url).status == 200

    assert asked.heads == []


@pytest.mark.parametrize("host", ["10.0.0.7", "169.254.169.254", "[fd12::7]", "[64:ff9b::a9fe:a9fe]"])
def test_an_address_is_judged_before_the_proxy_is_asked(host: str) -> None:
    with proxying(saying(OK)) as asked, pytest.raises(RequestFailed) as caught:
        get(asked.proxy(), f"https://{host}")

    assert not caught.value.sent
    assert asked.heads == []


@pytest.mark.parametrize(
    "url", ["proxy:3128", "https://proxy", "socks5://proxy:1", "http://", "http://p/x", "http://p:x"]
)
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"no proxy|Port"):
        Proxy.parse(url)
