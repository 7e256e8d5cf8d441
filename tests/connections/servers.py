"""A scripted HTTP server on loopback: it remembers each request and answers by a function that has the bare socket."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """`answer(request, sock)` returns the bytes to send, or None if it has sent (or not) what it wanted itself."""

    answer: Callable[[Received, socket.socket], bytes | None]
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    busiest: int = 0
    _busy: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def secure_url(self) -> str:
        return f"https://localhost:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        # shutdown wakes the accepting thread; close alone would leave it waiting.
        with self._lock:
            sockets = [self._listener, *self._open]
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._converse(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock, number)

    def _converse(self, sock: socket.socket, number: int) -> None:
        with sock, sock.makefile("rb") as incoming:
            while request := _read(incoming, number):
                self._answer(request, sock)

    def _answer(self, request: Received, sock: socket.socket) -> None:
        with self._lock:
            self.requests.append(request)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            if answer := self.answer(request, sock):
                sock.sendall(answer)
        finally:
            with self._lock:
                self._busy -= 1


@contextmanager
def serving(
    answer: Callable[[Received, socket.socket], bytes | None], tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server on loopback; with `tls` it speaks https, for `localhost`."""
    server = Server(answer, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def reply(status: int, body: object = None, **headers: str) -> bytes:
    """An HTTP answer with a JSON body; underscores in header names stand for hyphens."""
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Something", f"Content-Length: {len(payload)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def item(number: int = 1, **members: object) -> dict[str, object]:
    """A secret as Devin sends it."""
    return {
        "secret_id": f"secret-{number}",
        "key": f"KEY_{number}",
        "note": None,
        "is_sensitive": True,
        "secret_type": "key-value",
        "access_type": "org",
        "created_at": 1_700_000_000,
        "created_by": "user-1",
        "updated_at": None,
        "updated_by": None,
        **members,
    }


def created(request: Received) -> dict[str, object]:
    return item(key=request.json["key"], note=request.json["note"])


def page(items: list[dict[str, object]], after: str | None = None, **members: object) -> dict[str, object]:
    return {"items": items, "end_cursor": after, "has_next_page": after is not None, "total": None, **members}


def _read(incoming: Any, connection: int) -> Received | None:
    first = incoming.readline()
    if not first:
        return None
    method, path, _ = first.decode().split(" ", 2)
    headers = {}
    while (line := incoming.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body, time.monotonic(), connection)
