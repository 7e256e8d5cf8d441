"""Sockets bounded in time, in where they lead and in when they send; over the standard library alone.

A library bounds each wait for a byte, but not their sum: an answer that drips a byte a second may hold a thread for
ever. So every look-up, connect, handshake, send and read here is given what is left of one deadline, that of the
exchange that the socket serves. A request's bytes are sent in one go, because the question whether it may still be sent
at all must be asked last and nothing may come between the answer and the sending.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from connections.addresses import AddressRefused, require_allowed
from connections.validation import is_loopback

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
# Servers close a connection that has been idle for a while; a request that meets the closing is lost, and nobody knows
# whether it was carried out. A connection idle for longer than this is not used again.
IDLE_LIMIT = 4.0
# Nor for a request that could not simply be sent again, after a shorter time: hardly a server closes that soon.
IDLE_LIMIT_FOR_A_WRITE = 1.0


@dataclass
class Exchange:
    """One request and its answer, as the sockets under it see it.

    `sent` is None until a connection of ours takes the request up, False while nothing of it has been sent, then True.
    `may_be_repeated`: it would do no harm twice. `private` tells whether the host may be in a private network, `reach`
    how to come to it other than straight away.
    """

    ends_at: float
    may_send: Callable[[], None]
    sending: threading.Lock
    may_be_repeated: bool = False
    private: bool = False
    reach: Callable[[str, int, "Exchange"], "BoundedSocket"] | None = field(default=None, repr=False)
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
        bound_delivery(sock, self.remaining())
        sock.settimeout(self.remaining())
        self.sent = True
        unsent = memoryview(message)
        while unsent:
            unsent = unsent[sock.send(unsent) :]
            if unsent:
                sock.settimeout(self.remaining())


class ProxyRefused(OSError):
    """The proxy leads to no such host, or is none."""


class BoundedSocket(socket.socket):
    """Reads within what is left of the deadline of the exchange it serves."""

    exchange: Exchange

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.exchange.remaining())
        return super().recv_into(buffer, nbytes, flags)


class BoundedTLSSocket(ssl.SSLSocket):
    """The same through TLS."""

    exchange: Exchange

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.exchange.remaining())
        return super().recv_into(buffer, nbytes, flags)


@lru_cache
def tls_context(ca_file: str, ca_pem: str = "") -> ssl.SSLContext:
    """Trusts the authorities in `ca_pem`, or else in `ca_file`, a PEM file, and no others.

    Made by hand, because `ssl.create_default_context` writes the keys of all connections into the file that the
    environment variable SSLKEYLOGFILE names.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=None if ca_pem else ca_file, cadata=ca_pem or None)
    context.sslsocket_class = BoundedTLSSocket
    return context


def connect(
    host: str, port: int, exchange: Exchange, *, loopback_only: bool = False, private: bool = False
) -> BoundedSocket:
    """A connection to the first address of `host` that answers. Raises OSError or UnicodeError.

    `private`: it may be in a private network, whatever the exchange says.
    """
    host = host.strip("[]")
    private = private or exchange.private
    failure: OSError = socket.gaierror("the name has no address")
    for family, kind, protocol, _, address in _resolve(host, port, exchange.remaining(CONNECT_TIMEOUT)):
        require_allowed(address[0], private=private, loopback=is_loopback(host), loopback_only=loopback_only)
        sock = BoundedSocket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(exchange.remaining(CONNECT_TIMEOUT))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def secure(sock: BoundedSocket, host: str, exchange: Exchange, context: ssl.SSLContext) -> BoundedTLSSocket:
    """The connection after a TLS handshake in which the host proved to be `host`. Raises OSError."""
    try:
        sock.settimeout(exchange.remaining(CONNECT_TIMEOUT))
        secured = context.wrap_socket(sock, server_hostname=host.strip("[]").rstrip("."))
    except (OSError, ValueError):
        sock.close()
        raise
    return cast(BoundedTLSSocket, secured)


def bound_delivery(sock: socket.socket, seconds: float) -> None:
    """What has not arrived within that time, the system then gives up, also when the socket has been closed.

    It would else send it again and again for minutes: a host that was cut off would deliver a write on its return, when
    others have long been at that organization. Linux alone can; elsewhere this does nothing.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT") and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(seconds * 1000)))


def connect_problem(error: Exception) -> str:
    """Why no connection came about, as a part of a sentence."""
    if isinstance(error, AddressRefused | ProxyRefused):
        return str(error)
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host's name was not found"
    if isinstance(error, TimeoutError):
        return "the host did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLError):
        return "its TLS certificate or protocol was not accepted"
    return "no connection came about"


def _resolve(host: str, port: int, timeout: float) -> list[Any]:
    """Look the name up in a thread, the only way to give a lookup a time limit."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
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
