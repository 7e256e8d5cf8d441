"""The queue over TLS, with a certificate of one's own: `rediss://…?ssl_ca_certs=…`."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django_rq import get_connection
from redis.exceptions import ConnectionError as QueueConnectionError

from sandbox.certificates import self_signed_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed_certificate(tmp_path)


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Of a server that says yes to whatever it is asked, as Valkey does to a log-in, and PONG to PING."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        yield listener.getsockname()[1]


def serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                while asked := connection.recv(4096):
                    connection.sendall(b"".join(answers(asked)))
        except OSError:
            continue


def answers(asked: bytes) -> Iterator[bytes]:
    for command in asked.split(b"*")[1:]:
        yield b"+PONG\r\n" if b"PING" in command else b"+OK\r\n"


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> Any:
    monkeypatch.setitem(settings.RQ_QUEUES["default"], "URL", url)
    return get_connection("default")


def test_an_own_certificate_is_believed_if_named(monkeypatch: pytest.MonkeyPatch, port: int, certificate: Path) -> None:
    queue = use(monkeypatch, f"rediss://:password@localhost:{port}/0?ssl_ca_certs={certificate}&protocol=2")

    assert queue.ping()


def test_it_is_not_believed_otherwise(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    queue = use(monkeypatch, f"rediss://:password@localhost:{port}/0?protocol=2")

    with pytest.raises(QueueConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        queue.ping()
