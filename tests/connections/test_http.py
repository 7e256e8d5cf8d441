"""The transport over real sockets: deadlines, sizes, redirects, proxies, kept connections."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connections import http, sockets
from connections.http import RequestFailed, Route, Transport
from sandbox.certificates import self_signed_certificate
from tests.connections.servers import Received, reply, serving
from tests.patience import PATIENCE, wait_until

HEADERS = {"Authorization": "Bearer cog_canary"}


def open_transport(deadline: float = PATIENCE, connections: int = 4, **options: Any) -> Transport:
    return Transport(deadline=timedelta(seconds=deadline), connections=connections, route=Route(**options))


@pytest.fixture
def lapse(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the deadlines of all requests that are under way pass, at a moment that the test knows."""
    passed: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(passed))
    for module in (sockets, http):
        monkeypatch.setattr(module, "time", clock)
    return lambda: passed.append(2 * PATIENCE)


def get(transport: Transport, url: str, **options: Any) -> Any:
    return transport.send("GET", url, headers=HEADERS, **options)


def drip(data: bytes, lapse: Callable[[], None]) -> Callable[[Received, socket.socket], None]:
    """A byte at a time, without an end; the deadline passes when these have been sent and a few more."""

    def answer(_: Received, sock: socket.socket) -> None:
        for byte in data + b"x" * 5:
            sock.sendall(bytes([byte]))
        lapse()
        while True:
            sock.sendall(b"x")

    return answer


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200", id="status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Long: ", id="header"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="interim answer"),
    ],
)
def test_a_dripping_head_ends_at_the_deadline(start: bytes, lapse: Callable[[], None]) -> None:
    told = rf"no answer came within {sockets.READ_TIMEOUT:g} seconds"
    with serving(drip(start, lapse)) as server, pytest.raises(RequestFailed, match=told) as caught:
        get(open_transport(), server.url)

    assert caught.value.sent


@pytest.mark.parametrize("length", [b"Content-Length: 8000000\r\n", b"", b"Transfer-Encoding: chunked\r\n"])
def test_a_dripping_body_ends_at_the_deadline(
    length: bytes, lapse: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    has_head = threading.Event()
    read = http._read

    def note(response: Any, exchange: sockets.Exchange) -> bytes:
        has_head.set()
        return read(response, exchange)

    def answer(request: Received, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        assert has_head.wait(PATIENCE)
        drip(b"7a1200\r\n" if b"chunked" in length else b"", lapse)(request, sock)

    monkeypatch.setattr(http, "_read", note)
    with serving(answer) as server, pytest.raises(RequestFailed, match="not complete in time") as caught:
        get(open_transport(), server.url)

    assert caught.value.status == 200


def test_a_silent_server_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()
    send_all = sockets.Exchange._send_all

    def shorten(self: sockets.Exchange, sock: socket.socket, message: bytes) -> None:
        send_all(self, sock, message)
        self.ends_at = time.monotonic() + 0.1

    def say_nothing(request: Received, sock: socket.socket) -> None:
        given_up.wait(PATIENCE)

    monkeypatch.setattr(sockets.Exchange, "_send_all", shorten)
    with serving(say_nothing) as server:
        with pytest.raises(RequestFailed) as caught:
            get(open_transport(), server.url)
        given_up.set()

    assert (caught.value.sent, caught.value.status) == (True, None)


def test_a_server_that_does_not_read_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(RequestFailed):
            open_transport(deadline=0.4).send("POST", url, headers=HEADERS, body=b"x" * 50_000_000)


def test_an_answer_may_have_8_mib_and_no_more() -> None:
    def answer(request: Received, sock: socket.socket) -> None:
        size = 8 * 1024 * 1024 + (1 if request.path == "/large" else 0)
        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        sock.sendall(b"x" * size)

    with serving(answer) as server:
        assert len(get(open_transport(), f"{server.url}/").body) == 8 * 1024 * 1024
        with pytest.raises(RequestFailed, match="larger than 8 MiB"):
            get(open_transport(), f"{server.url}/large")


def test_a_compressed_answer_is_not_unpacked() -> None:
    with (
        serving(lambda request, sock: reply(200, {}, Content_Encoding="gzip")) as server,
        pytest.raises(RequestFailed, match="compressed"),
    ):
        get(open_transport(), server.url)

    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    with serving(lambda request, sock: reply(200)) as elsewhere:
        location = f"{elsewhere.url}/"
        with serving(lambda request, sock: reply(status, Location=location, Set_Cookie="a=b")) as server:
            transport = open_transport()
            answers = [transport.send("POST", server.url, headers=HEADERS, body=b"{}") for _ in range(2)]

    assert [answer.status for answer in answers] == [status, status]
    assert elsewhere.connections == 0
    assert "cookie" not in server.requests[1].headers


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password mallory\n")
    netrc.chmod(0o600)
    with serving(lambda request, sock: reply(200)) as proxy, serving(lambda request, sock: reply(200)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NETRC", str(netrc))
        get(open_transport(), server.url)

    assert proxy.connections == 0
    assert server.requests[0].headers["authorization"] == "Bearer cog_canary"


def test_connections_are_kept_and_no_more_than_allowed() -> None:
    three = threading.Barrier(3)

    def answer(request: Received, sock: socket.socket) -> bytes:
        three.wait(PATIENCE)
        return reply(200, {"items": []})

    with serving(answer) as server:
        transport = open_transport(connections=3)
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda _: get(transport, server.url), range(60)))

    assert transport.requests_sent == 60
    assert (server.connections, server.busiest) == (3, 3)


def test_an_idle_connection_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda request, sock: reply(200)) as server:
        transport = open_transport()
        get(transport, server.url)
        monkeypatch.setattr(sockets, "IDLE_LIMIT", 0.0)
        get(transport, server.url)

    assert server.connections == 2


def cut(when: str) -> Callable[[Received, socket.socket], None]:
    beginnings = {
        "before the answer": b"",
        "in the status line": b"HTTP/1.1 2",
        "in a header": b"HTTP/1.1 200 OK\r\nContent-Le",
        "in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        "in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    }

    def answer(_: Received, sock: socket.socket) -> None:
        sock.sendall(beginnings[when])
        sock.shutdown(socket.SHUT_RDWR)

    return answer


@pytest.mark.parametrize("when", ["before the answer", "in the status line", "in the body", "in a chunk"])
def test_a_cut_connection_may_have_carried_the_request_out(when: str) -> None:
    with serving(cut(when)) as server:
        transport = open_transport()
        with pytest.raises(RequestFailed) as caught:
            transport.send("POST", server.url, headers=HEADERS, body=b"{}")

    assert caught.value.sent
    assert (len(server.requests), transport.requests_sent) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"{}", id="no head"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 -200 OK\r\n\r\n", id="negative status"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"H: x\r\n" * 300 + b"\r\n", id="many headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", id="a long header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx", id="negative chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx", id="no chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nx", id="large chunk"),
    ],
)
def test_what_is_no_http_is_one_kind_of_failure(answer: bytes) -> None:
    def send(_: Received, sock: socket.socket) -> None:
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_RDWR)

    with serving(send) as server, pytest.raises(RequestFailed) as caught:
        open_transport().send("POST", server.url, headers=HEADERS, body=b"{}")

    assert caught.value.sent
    assert len(server.requests) == 1


def test_a_request_lost_on_a_kept_connection_is_not_sent_again() -> None:
    def answer(request: Received, sock: socket.socket) -> bytes | None:
        if request.method == "GET":
            return reply(200)
        sock.shutdown(socket.SHUT_RDWR)
        return None

    with serving(answer) as server:
        transport = open_transport()
        get(transport, server.url)
        with pytest.raises(RequestFailed) as caught:
            transport.send("POST", server.url, headers=HEADERS, body=b"{}")

    assert caught.value.sent
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert server.connections == 1


def test_waiting_for_a_free_connection_ends_at_the_deadline() -> None:
    release = threading.Event()
    with serving(lambda request, sock: reply(200)) as server, ThreadPoolExecutor(1) as threads:
        transport = open_transport(connections=1)
        first = threads.submit(get, transport, server.url, may_send=lambda: release.wait(PATIENCE) and None)
        wait_until(lambda: server.connections == 1)
        with pytest.raises(RequestFailed, match="no connection was free in time") as caught:
            get(transport, server.url, within=0.1)
        release.set()
        assert first.result().status == 200

    assert not caught.value.sent


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    transport = open_transport()

    with pytest.raises(RequestFailed, match="the connection was refused") as caught:
        get(transport, f"http://127.0.0.1:{port}")

    assert (caught.value.sent, transport.requests_sent) == (False, 0)


def resolving_to(*addresses: str) -> Callable[..., list[Any]]:
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]


def test_an_unknown_host_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(RequestFailed, match="the host's name was not found") as caught:
        get(open_transport(), "https://devin.example")

    assert not caught.value.sent


def test_a_slow_name_lookup_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(PATIENCE))

    with pytest.raises(RequestFailed) as caught:
        get(open_transport(deadline=0.2), "https://devin.example")
    released.set()

    assert not caught.value.sent


def test_plain_http_goes_to_this_machine_only_whatever_the_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("192.0.2.1"))

    with pytest.raises(RequestFailed, match="plain http is for this machine alone"):
        get(open_transport(), "http://localhost:9")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1%eth0", "::ffff:169.254.169.254"]
)
def test_no_name_leads_to_a_clouds_own_credentials(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to(address))

    with pytest.raises(RequestFailed, match="an address that no API has") as caught:
        get(open_transport(), "https://rebound.example")

    assert not caught.value.sent


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received: list[bytes] = []
        thread = threading.Thread(target=serve_tls, args=(listener, context, received))
        thread.start()
        with pytest.raises(RequestFailed, match="TLS certificate or protocol was not accepted") as caught:
            get(open_transport(), f"https://localhost:{listener.getsockname()[1]}")
        thread.join()

    assert not caught.value.sent
    assert received == []


def serve_tls(listener: socket.socket, context: ssl.SSLContext, received: list[bytes]) -> None:
    sock, _ = listener.accept()
    try:
        with context.wrap_socket(sock, server_side=True) as secure:
            received.append(secure.recv(1000))
    except OSError:
        sock.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed_certificate(tmp_path)


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_request_goes_through_tls_to_a_host_that_proves_its_name(tls: ssl.SSLContext, certificate: Path) -> None:
    with serving(lambda request, sock: reply(200, {"a": 1}), tls) as server:
        transport = open_transport(ca_file=str(certificate))
        answers = [get(transport, server.secure_url).status for _ in range(2)]

    assert (answers, server.connections) == ([200, 200], 1)


def test_a_certificate_of_another_name_is_refused(tls: ssl.SSLContext, certificate: Path) -> None:
    with (
        serving(lambda request, sock: reply(200), tls) as server,
        pytest.raises(RequestFailed, match="TLS certificate or protocol was not accepted") as caught,
    ):
        get(open_transport(ca_file=str(certificate)), server.secure_url.replace("localhost", "127.0.0.1"))

    assert (caught.value.sent, server.requests) == (False, [])


def test_a_dripping_answer_through_tls_ends_at_the_deadline(
    tls: ssl.SSLContext, certificate: Path, lapse: Callable[[], None]
) -> None:
    dripping = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n", lapse)
    with serving(dripping, tls) as server, pytest.raises(RequestFailed) as caught:
        get(open_transport(ca_file=str(certificate)), server.secure_url)

    assert caught.value.sent


def test_a_host_that_is_silent_in_the_handshake_ends_at_the_deadline() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        pytest.raises(RequestFailed, match="the host did not answer in time") as caught,
    ):
        get(open_transport(deadline=0.3), f"https://localhost:{deaf.getsockname()[1]}")

    assert not caught.value.sent


def test_the_environment_names_no_authority_and_no_file_for_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: Path, tls: ssl.SSLContext
) -> None:
    sockets.tls_context.cache_clear()
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))

    with serving(lambda request, sock: reply(200), tls) as server, pytest.raises(RequestFailed, match="TLS"):
        get(open_transport(), server.secure_url)

    assert server.requests == []
    assert not keys.exists()


# The question before each sending


class Stopped(OSError):
    """What a fence raises; of a kind that the libraries in between would wrap."""


def test_what_forbids_the_sending_comes_out_unchanged_and_nothing_is_sent() -> None:
    def forbid() -> None:
        raise Stopped("lost the lease")

    with serving(lambda request, sock: reply(200)) as server:
        transport = open_transport()
        with pytest.raises(Stopped, match="lost the lease"):
            transport.send("POST", server.url, headers=HEADERS, body=b"{}", may_send=forbid)

    assert (server.requests, transport.requests_sent) == ([], 0)


def test_is_asked_once_connected_and_before_the_first_byte() -> None:
    with serving(lambda request, sock: reply(200)) as server:
        seen: list[tuple[int, int]] = []

        def look() -> None:
            wait_until(lambda: server.connections == 1)
            seen.append((server.connections, len(server.requests)))

        open_transport().send("POST", server.url, headers=HEADERS, body=b"{}", may_send=look)

    assert seen == [(1, 0)]
    assert server.requests[0].body == b"{}"


def test_of_many_threads_one_at_a_time_is_between_question_and_sending() -> None:
    """Eight writers, all stopped where a paused process would be: no second one has passed the question."""
    inside, most_inside, asked = 0, 0, 0
    release = threading.Event()

    def pause() -> None:
        nonlocal inside, most_inside, asked
        inside += 1
        asked += 1
        most_inside = max(most_inside, inside)
        release.wait(PATIENCE)
        inside -= 1

    with serving(lambda request, sock: reply(200)) as server, ThreadPoolExecutor(8) as threads:
        transport = open_transport(connections=8)
        write = [
            threads.submit(transport.send, "POST", server.url, headers=HEADERS, body=b"{}", may_send=pause)
            for _ in range(8)
        ]
        wait_until(lambda: server.connections == 8 and asked)
        paused = (asked, len(server.requests))
        release.set()
        assert [done.result().status for done in write] == [200] * 8

    assert paused == (1, 0)
    assert most_inside == 1


def test_a_request_does_not_wait_for_another_past_its_deadline() -> None:
    asked, release = threading.Event(), threading.Event()

    def pause() -> None:
        asked.set()
        release.wait(PATIENCE)

    with serving(lambda request, sock: reply(200)) as server, ThreadPoolExecutor(1) as threads:
        transport = open_transport()
        first = threads.submit(get, transport, server.url, may_send=pause)
        assert asked.wait(PATIENCE)
        with pytest.raises(RequestFailed) as caught:
            get(transport, server.url, within=0.1)
        release.set()
        assert first.result().status == 200

    assert not caught.value.sent
    assert len(server.requests) == 1


def test_a_request_whose_deadline_passed_while_it_asked_is_not_sent(lapse: Callable[[], None]) -> None:
    with serving(lambda request, sock: reply(200)) as server, pytest.raises(RequestFailed) as caught:
        get(open_transport(), server.url, may_send=lapse)

    assert not caught.value.sent
    assert server.requests == []


def test_head_and_body_arrive_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nothing can stop a request half-way but a failure of the network."""
    sends: list[int] = []
    real = sockets.Exchange.send

    def counted(self: sockets.Exchange, sock: socket.socket, message: bytes) -> None:
        sends.append(len(message))
        real(self, sock, message)

    monkeypatch.setattr(sockets.Exchange, "send", counted)
    with serving(lambda request, sock: reply(200)) as server:
        open_transport().send("POST", server.url, headers=HEADERS, body=b"y" * 1000)

    assert len(sends) == 1
    assert sends[0] > 1000


def test_a_host_in_a_private_network_is_reached_if_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback, by a name that is not this machine's, stands for a private network: no other is here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolving_to("127.0.0.1")("", port))

        with pytest.raises(RequestFailed, match="a private network, which is for listed hosts alone"):
            get(open_transport(), f"https://devin.example:{port}")
        with pytest.raises(RequestFailed, match="the host did not answer in time"):
            get(open_transport(deadline=0.3, private=True), f"https://devin.example:{port}")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Only Linux bounds how long it sends again.")
def test_what_does_not_arrive_in_time_is_sent_no_more() -> None:
    """Else a host that was cut off would deliver its last write when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        exchange = sockets.Exchange(
            ends_at=time.monotonic() + PATIENCE, may_send=lambda: None, sending=threading.Lock()
        )

        exchange.send(client, b"POST / HTTP/1.1\r\n\r\n")

        bound = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert bound == sockets.READ_TIMEOUT * 1000
