"""A way out through a proxy that the operator names: `CONNECT`, then TLS with the host itself.

The proxy sees the host's name and port and nothing that is said. It also looks the name up, so the address that it
connects to is for it to judge; an address given as such is judged here. The installation's proxy is not asked for this
machine; one that a connection names for itself is asked for all that goes by https.
"""

import base64
import re
import socket
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from connections.addresses import require_allowed
from connections.sockets import BoundedSocket, Exchange, ProxyRefused, connect
from connections.validation import is_ip_address, is_loopback

LONGEST_HEAD = 8 * 1024
END_OF_HEAD = b"\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")


@dataclass(frozen=True)
class Proxy:
    host: str
    port: int
    credentials: str = field(default="", repr=False)
    is_for_all: bool = False

    @classmethod
    def parse(cls, url: str) -> Self:
        """From `http://proxy.example:3128`, with `user:password@` if it asks for that. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("no proxy")
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        return cls(parts.hostname, parts.port or 80, credentials)

    @property
    def address(self) -> str:
        """Without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def reach(self, host: str, port: int, exchange: Exchange) -> BoundedSocket:
        """A connection to `host` through the proxy. Raises OSError."""
        host = host.strip("[]")
        if is_loopback(host) and not self.is_for_all:
            return connect(host, port, exchange)
        if is_ip_address(host):
            require_allowed(host, private=exchange.private, loopback=self.is_for_all)
        sock = connect(self.host, self.port, exchange, private=True)
        try:
            sock.exchange = exchange
            self._ask(sock, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", exchange)
        except BaseException:
            sock.close()
            raise
        return sock

    def _ask(self, sock: BoundedSocket, authority: str, exchange: Exchange) -> None:
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.credentials:
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(self.credentials.encode()).decode()}")
        sock.settimeout(exchange.remaining())
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        status = STATUS.match(_read_head(sock))
        if status is None:
            raise ProxyRefused("the proxy answered with something else than HTTP")
        if not status[1].startswith(b"2"):
            raise ProxyRefused(f"the proxy answered {status[1].decode()}")


def _read_head(sock: socket.socket) -> bytes:
    """Up to the empty line. The host says nothing before we do, so what follows is none of its."""
    head, buffer = bytearray(), bytearray(1024)
    while END_OF_HEAD not in head:
        count = sock.recv_into(buffer)
        head += buffer[:count]
        if not count or len(head) > LONGEST_HEAD:
            raise ProxyRefused("the proxy did not answer in full")
    if head.index(END_OF_HEAD) + len(END_OF_HEAD) < len(head):
        raise ProxyRefused("the proxy said more than its answer")
    return bytes(head)
