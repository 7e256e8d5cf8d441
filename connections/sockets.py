"""The connections under `connections.http`: urllib3's, bounded in time, in where they lead and in when they send.

`requests` bounds each wait for a byte, but not their sum: an answer that drips a byte a second may hold a thread for
ever. So every connect, handshake, send and read here is given what is left of one deadline, that of the exchange under
way in this thread. A request's bytes are gathered first and sent in one go, because the question whether it may still
be sent at all must be asked last and nothing may come between the answer and the sending.
"""

import io
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
# Servers close a connection that has been idle for a while; a request that meets the closing is lost, and nobody knows
# whether it was carried out. A connection idle for longer than this is not used again.
IDLE_LIMIT = 4.0


@dataclass
class Exchange:
    """One request and its answer, as the sockets under it see it.

    `sent` is None until a connection of ours takes the request up, False while nothing of it has been sent, then True.
    """

    ends_at: float
    may_send: Callable[[], None]
    sending: threading.Lock
    sent: bool | None = None
    problem: str = ""
    stopped_by: BaseException | None = field(default=None, repr=False)

    def remaining(self, at_most: float = READ_TIMEOUT) -> float:
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request's deadline has passed")
        return min(remaining, at_most)

    def send(self, sock: socket.socket, message: bytes) -> None:
        """Ask whether the request may be sent, then send it: one thread at a time between the two."""
        if not self.sending.acquire(timeout=self.remaining()):
            raise TimeoutError("another request took too long to be sent")
        try:
            self._ask()
            self._send_all(sock, message)
        finally:
            self.sending.release()

    def _ask(self) -> None:
        try:
            self.may_send()
        except BaseException as error:
            # The libraries in between would wrap some kinds of errors, so it is also kept aside.
            self.stopped_by = error
            raise

    def _send_all(self, sock: socket.socket, message: bytes) -> None:
        sock.settimeout(self.remaining())
        self.sent = True
        unsent = memoryview(message)
        while unsent:
            unsent = unsent[sock.send(unsent) :]
            if unsent:
                sock.settimeout(self.remaining())


_thread = threading.local()


def begin(exchange: Exchange) -> None:
    """Make this the exchange that connections used by this thread belong to."""
    _thread.exchange = exchange


class _BoundedReader(io.RawIOBase):
    """A socket's incoming bytes, each read within what is left of the deadline."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True)
class _ReadableOnce:
    """What `http.client` takes for a socket: it only asks it for a file."""

    sock: socket.socket
    exchange: Exchange

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self.sock, self.exchange))


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_ReadableOnce(sock, _thread.exchange), *args, **kwargs)  # type: ignore[arg-type]


class _BoundedConnection(HTTPConnection):
    response_class = _BoundedResponse
    loopback_only = True

    _gathered: list[bytes] | None = None
    _last_used = 0.0

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._last_used < IDLE_LIMIT

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange = _thread.exchange
        exchange.sent = False
        self._gathered = []
        try:
            super().request(*args, **kwargs)
            message = b"".join(self._gathered)
        finally:
            self._gathered = None
        if self.sock is None:
            self.connect()
        exchange.send(self.sock, message)
        self._last_used = time.monotonic()

    def send(self, data: Any) -> None:
        if self._gathered is None:
            raise RuntimeError("Only request() sends, and all at once.")
        self._gathered.append(bytes(data))

    def _new_conn(self) -> socket.socket:
        exchange: Exchange = _thread.exchange
        exchange.sent = False
        try:
            return _connect(self._dns_host, self.port, exchange, loopback_only=self.loopback_only)
        except (OSError, UnicodeError) as error:
            exchange.problem = _connect_problem(error)
            raise NewConnectionError(self, exchange.problem) from error


class _BoundedHTTPSConnection(_BoundedConnection, HTTPSConnection):
    loopback_only = False


class BoundedPool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class BoundedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedHTTPSConnection


class AddressRefused(OSError):
    """The name leads to an address that this application does not connect to."""


def _connect(host: str, port: int, exchange: Exchange, *, loopback_only: bool) -> socket.socket:
    """A connection to the first address of `host` that answers."""
    failure: OSError = socket.gaierror("the name has no address")
    for family, kind, protocol, _, address in _resolve(host, port, exchange.remaining(CONNECT_TIMEOUT)):
        _require_allowed(address[0], loopback_only=loopback_only)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(exchange.remaining(CONNECT_TIMEOUT))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            # What is left is for the TLS handshake, which comes next.
            sock.settimeout(exchange.remaining(CONNECT_TIMEOUT))
            return sock
    raise failure


def _resolve(host: str, port: int, timeout: float) -> list[Any]:
    """Look the name up in a thread, the only way to give a lookup a time limit."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="look up a host", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise socket.gaierror("the name was not found in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _require_allowed(address: str, *, loopback_only: bool) -> None:
    """Refuse by the address that is really connected to, because names can change what they stand for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if loopback_only and not ip.is_loopback:
        raise AddressRefused("plain http is for this machine alone")
    # Link-local addresses are where clouds serve their machines' own credentials.
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        raise AddressRefused("the name leads to an address that no API has")


def _connect_problem(error: Exception) -> str:
    if isinstance(error, AddressRefused):
        return str(error)
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host's name was not found"
    if isinstance(error, TimeoutError):
        return "the host did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return "no connection came about"
