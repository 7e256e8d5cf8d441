"""HTTP/1.1 over a socket: reads one request after another and writes answers, in one packet where it can."""

import contextlib
import json
import re
import select
import socket
import ssl
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 8 * 1024 * 1024
DIGITS = 18


class BadRequest(Exception):
    """Not HTTP as the sandbox understands it; carries the status to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    size: int

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"

    def json(self) -> Any:
        """The body parsed; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True)
class Answer:
    """`content` is sent as JSON unless `body` says the very bytes."""

    status: int
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    has_committed: bool = False

    def encode_body(self) -> bytes:
        if self.body is not None:
            return self.body
        return json.dumps(self.content, separators=(",", ":")).encode()

    def encode(self) -> tuple[bytes, bytes]:
        """Head and body as they go over the wire."""
        body = self.encode_body()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1"), body


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Stream:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, peer: str = "") -> None:
        self.sock = sock
        self.peer = peer
        self.is_closed = False
        self.is_busy = False
        self._buffer = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def greet(self) -> None:
        """Whatever comes before the first request."""

    def read(self) -> Request | None:
        """The next request; None where the client has left."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > LARGEST_HEAD:
                raise BadRequest(431, "The request's head is too long.")
            if not self._fill():
                return None
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        method, path, query, headers = parse_head(head)
        length = body_length(headers)
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._buffer) < length:
            if not self._fill():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Request(method, path, query, headers, body, end + 4 + length)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, answer: Answer) -> None:
        head, body = answer.encode()
        self.send(head + body)

    def cut(self) -> None:
        """End the connection by a reset instead of an orderly close."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.is_closed = True
        with contextlib.suppress(OSError):
            self.sock.close()

    def hang_up(self) -> None:
        """Wake whatever thread waits for this connection."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def client_leaves_within(self, seconds: float | None) -> bool:
        """Wait for the client to close its side; False where it is still there after the time given."""
        try:
            if not select.select([self.sock], [], [], seconds)[0]:
                return False
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def wait(self) -> None:
        """Until there is something to read, or nothing will come any more. It is busy with that from then on."""
        if not self._buffer:
            self.sock.recv(1, socket.MSG_PEEK)
        self.is_busy = True

    def is_quiet(self) -> bool:
        """Whether all that has arrived is read, carried out and answered, and the client is still there."""
        try:
            self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            # Asked second: whoever reads says before that it is busy.
            return not self.is_busy
        except OSError:
            return False
        return False

    def _fill(self) -> bool:
        received = self.sock.recv(65536)
        self._buffer += received
        return bool(received)


class TLSStream(Stream):
    """The same by TLS, where nothing can be looked at without being read."""

    sock: ssl.SSLSocket

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, peer: str) -> None:
        super().__init__(sock, peer)
        self.sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def greet(self) -> None:
        self.sock.do_handshake()

    def client_leaves_within(self, seconds: float | None) -> bool:
        try:
            return self._is_readable(seconds) and not self._fill()
        except (OSError, ValueError):
            return True

    def wait(self) -> None:
        if not self._buffer:
            self._is_readable(None)
        self.is_busy = True

    def is_quiet(self) -> bool:
        try:
            return not self._is_readable(0) and not self.is_busy
        except (OSError, ValueError):
            return False

    def _is_readable(self, seconds: float | None) -> bool:
        return bool(self.sock.pending() or select.select([self.sock], [], [], seconds)[0])


def parse_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400, "The first line is not a request's.")
    path, _, query = parts[1].partition("?")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return parts[0], unquote(path), query, headers


def body_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411, "Send a Content-Length instead of a Transfer-Encoding.")
    text = headers.get("content-length", "0")
    if not re.fullmatch("[0-9]+", text):
        raise BadRequest(400, "The Content-Length is not a number.")
    if len(text) > DIGITS or int(text) > LARGEST_BODY:
        raise BadRequest(413, "The body is too large.")
    return int(text)
