"""`requests` over the sockets of `connections.sockets`, by the names that it and `urllib3` give to subclasses.

    BoundedAdapter.init_poolmanager   →  pools of ours, with a TLS context of ours
    BoundedPool.ConnectionCls         →  connections of ours
    connection.connect()              →  a bounded socket, to an allowed address
    connection.request(), .send()     →  the bytes are gathered, and sent by the exchange

Which exchange a connection serves is known by the thread: `requests` has no place to hand it through.
"""

import threading
import time
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from connections import sockets
from connections.sockets import BoundedSocket, BoundedTLSSocket, Exchange

_thread = threading.local()


def begin(exchange: Exchange) -> None:
    """Make this the exchange that connections used by this thread belong to."""
    _thread.exchange = exchange


class BoundedConnection(HTTPConnection):
    """A connection to this machine by plain http."""

    sock: BoundedSocket | BoundedTLSSocket | None

    _gathered: list[bytes] | None = None
    _last_used = 0.0

    @property
    def is_connected(self) -> bool:
        exchange: Exchange = _thread.exchange
        limit = sockets.IDLE_LIMIT if exchange.may_be_repeated else sockets.IDLE_LIMIT_FOR_A_WRITE
        return super().is_connected and time.monotonic() - self._last_used < limit

    def connect(self) -> None:
        exchange: Exchange = _thread.exchange
        exchange.sent = False
        try:
            self.sock = self.open_socket(exchange)
        except (OSError, UnicodeError) as error:
            exchange.problem = sockets.connect_problem(error)
            raise NewConnectionError(self, exchange.problem) from error

    def open_socket(self, exchange: Exchange) -> BoundedSocket | BoundedTLSSocket:
        return sockets.connect(self.host, self.port, exchange, loopback_only=True)

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
        self._send(exchange, message)

    def send(self, data: Any) -> None:
        if self._gathered is None:
            raise RuntimeError("Only request() sends, and all at once.")
        self._gathered.append(bytes(data))

    def _send(self, exchange: Exchange, message: bytes) -> None:
        if self.sock is None:
            raise RuntimeError("A request needs a connection.")
        self.sock.exchange = exchange
        exchange.send(self.sock, message)
        self._last_used = time.monotonic()


class BoundedTLSConnection(BoundedConnection, HTTPSConnection):
    """A connection by https, to a host that has proved its name."""

    def open_socket(self, exchange: Exchange) -> BoundedTLSSocket:
        sock = (exchange.reach or sockets.connect)(self.host, self.port, exchange)
        context = self.ssl_context or sockets.tls_context(DEFAULT_CA_BUNDLE_PATH)
        secured = sockets.secure(sock, self.host, exchange, context)
        self.is_verified = True
        return secured


class BoundedPool(HTTPConnectionPool):
    ConnectionCls = BoundedConnection


class BoundedTLSPool(HTTPSConnectionPool):
    ConnectionCls = BoundedTLSConnection


class BoundedAdapter(HTTPAdapter):
    """The part of `requests` that sends one prepared request and no more: nothing is tried twice."""

    def __init__(self, *, connections: int, ca_file: str, ca_pem: str = "") -> None:
        # The base class makes its pools at once.
        self._tls = sockets.tls_context(ca_file or DEFAULT_CA_BUNDLE_PATH, ca_pem)
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": BoundedPool, "https": BoundedTLSPool}
