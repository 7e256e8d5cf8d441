"""Connections that serve one client after another."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from connections import kept, sockets
from connections.http import RequestFailed, Route, Transport
from connections.kept import Owner, Shelf, shelf
from connections.pools import BoundedAdapter
from sandbox.__main__ import read_certificate
from sandbox.certificates import self_signed_certificate
from sandbox.server import Sandbox
from tests.connections.servers import Received, Server, reply, serving
from tests.patience import PATIENCE, wait_until

OWNER = Owner.of("acme", address="https://api.example", credentials="cog_canary")


@pytest.fixture(autouse=True)
def _any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, nothing has been idle for too long."""
    monkeypatch.setattr(sockets, "IDLE_LIMIT", 10 * PATIENCE)
    monkeypatch.setattr(sockets, "IDLE_LIMIT_FOR_A_WRITE", 10 * PATIENCE)


def open_transport(owner: Owner | None = OWNER, *, connections: int = 2, ca_file: str = "") -> Transport:
    route, deadline = Route(ca_file=ca_file), timedelta(seconds=PATIENCE)
    return Transport(deadline=deadline, connections=connections, route=route, owner=owner)


def ask(server: Server, owner: Owner | None = OWNER, *, method: str = "GET", connections: int = 2) -> None:
    transport = open_transport(owner, connections=connections)
    transport.send(method, server.url, headers={})
    transport.close()


def answer(request: Received, sock: object) -> bytes:
    return reply(200, {})


def test_one_client_after_another_uses_the_same_connection() -> None:
    with serving(answer) as server:
        for method in ("GET", "POST", "DELETE", "GET", "POST"):
            ask(server, method=method)

    assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize(
    "other",
    [
        None,
        Owner.of("other", address="https://api.example", credentials="cog_canary"),
        Owner.of("acme", address="https://api.example", credentials="cog_other"),
        Owner.of("acme", address="https://elsewhere.example", credentials="cog_canary"),
    ],
    ids=["nobody", "another connection", "other credentials", "another address"],
)
def test_nobody_else_does(other: Owner | None) -> None:
    with serving(answer) as server:
        ask(server)
        ask(server, other)

    assert server.connections == 2


def test_nor_one_that_may_have_more_of_them() -> None:
    with serving(answer) as server:
        ask(server, connections=2)
        ask(server, connections=3)

    assert server.connections == 2


def test_they_are_closed_once_the_credentials_are_others() -> None:
    with serving(answer) as server:
        ask(server)
        assert len(shelf) == 1

        open_transport(Owner.of("acme", address="https://api.example", credentials="cog_other"))

        assert len(shelf) == 0


def test_they_are_closed_after_a_failure() -> None:
    def cut_off(request: Received, sock: socket.socket) -> bytes | None:
        if request.method == "GET":
            return reply(200, {})
        sock.shutdown(socket.SHUT_RDWR)
        return None

    with serving(cut_off) as server:
        transport = open_transport()
        transport.send("GET", server.url, headers={})
        with pytest.raises(RequestFailed):
            transport.send("POST", server.url, headers={})
        transport.close()

    assert len(shelf) == 0


def test_they_are_closed_while_a_request_is_under_way() -> None:
    came, go = threading.Event(), threading.Event()

    def wait(request: Received, sock: object) -> bytes:
        came.set()
        go.wait(PATIENCE)
        return reply(200, {})

    with serving(wait) as server:
        transport = open_transport()
        thread = threading.Thread(target=transport.send, args=("GET", server.url), kwargs={"headers": {}})
        thread.start()
        assert came.wait(PATIENCE)
        transport.close()
        go.set()
        thread.join()

    assert len(shelf) == 0


def test_a_closed_client_sends_nothing() -> None:
    with serving(answer) as server:
        transport = open_transport()
        transport.close()
        transport.close()

        with pytest.raises(RequestFailed, match="has been closed") as caught:
            transport.send("GET", server.url, headers={})

    assert not caught.value.sent
    assert (len(shelf), server.requests) == (1, [])


def test_two_clients_at_once_share_none() -> None:
    with serving(answer) as server:
        ask(server)
        first, second = open_transport(), open_transport()
        for transport in (first, second):
            transport.send("GET", server.url, headers={})
        first.close()
        second.close()

    assert server.connections == 2


def test_a_write_trusts_a_connection_for_a_shorter_time_than_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that meets the closing of an idle connection may or may not have been carried out."""
    monkeypatch.setattr(sockets, "IDLE_LIMIT_FOR_A_WRITE", 0.0)
    with serving(answer) as server:
        ask(server)
        ask(server)
        assert server.connections == 1
        for number, method in enumerate(("POST", "DELETE"), start=2):
            ask(server, method=method)
            assert server.connections == number


def test_one_that_the_server_has_closed_is_not_used() -> None:
    """It is seen before anything is sent."""
    left = threading.Event()

    def answer_once(request: Received, sock: socket.socket) -> None:
        sock.sendall(reply(200, {}))
        sock.shutdown(socket.SHUT_RDWR)
        left.set()

    with serving(answer_once) as server:
        for _ in range(3):
            ask(server, method="POST")
            assert left.wait(PATIENCE)
            left.clear()

    assert (server.connections, len(server.requests)) == (3, 3)


def test_none_that_was_idle_for_long_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer) as server:
        ask(server)
        monkeypatch.setattr(sockets, "IDLE_LIMIT", 0.0)
        ask(server)

    assert (server.connections, len(shelf)) == (2, 0)


def test_so_many_sets_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    small = Shelf()
    adapters = [BoundedAdapter(connections=1, ca_file="") for _ in range(5)]

    for adapter in adapters:
        small.give_back(OWNER, adapter, like="alike")

    taken = [small.take(OWNER, like="alike") for _ in range(4)]
    assert taken == [adapters[4], adapters[3], adapters[2], None]


def test_a_handshake_serves_one_client_after_another(tmp_path: Path) -> None:
    certificate = self_signed_certificate(tmp_path)
    with Sandbox(host="localhost", tls=read_certificate(certificate)) as sandbox:
        for _ in range(7):
            transport = open_transport(ca_file=str(certificate))
            transport.send("GET", f"{sandbox.url}/", headers={})
            transport.close()
        wait_until(sandbox.is_quiet)

        assert sandbox.handshakes == 1
