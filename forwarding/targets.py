"""Where lines go, by an address of `AUDIT_STREAM`:

    file:///var/log/devinsync/audit.jsonl      appended to, opened anew for each batch, so that it may be rotated
    syslog://host:514                          RFC 5424 in UDP, cut after 60,000 bytes; nobody knows whether it arrives
    syslog+tcp://host:601                      RFC 5424 with counted octets (RFC 6587)
    syslog+tls://host:6514                     the same inside of TLS (RFC 5425)
    https://collector.example/audit            POST of JSON lines, with `AUDIT_STREAM_TOKEN` as bearer

The operator names them, so they may be in a private network. Plain http is for this machine alone.
"""

import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from connections.http import RequestFailed, Route, Transport
from connections.proxies import Proxy
from connections.validation import clean_base_url

DEADLINE = timedelta(seconds=20)
# Facility 13 ("log audit"), severity 6 (informational).
PRIORITY = 13 * 8 + 6
# What a datagram of IPv4 has room for, with some to spare: a longer one could never be sent.
LONGEST_DATAGRAM = 60_000
PORTS = {"syslog": 514, "syslog+tcp": 601, "syslog+tls": 6514}


class NotSent(Exception):
    """A batch did not arrive, or it is not known whether it did. Says why, without the address's secrets."""


class BadTarget(ValueError):
    """An address that is none."""


@dataclass(frozen=True)
class Line:
    """One line of the log: its position, its time as ISO 8601, and all of it as JSON without line breaks."""

    position: int
    at: str
    text: str


class Target(Protocol):
    @property
    def label(self) -> str:
        """For people: the address without a login or a query."""

    def send(self, lines: Sequence[Line]) -> None:
        """All of them, in order. Raises NotSent; then any part of them may have arrived."""


@dataclass(frozen=True)
class ToFile:
    path: Path

    @property
    def label(self) -> str:
        return str(self.path)

    def send(self, lines: Sequence[Line]) -> None:
        try:
            with open(self.path, "ab+", opener=_for_us_alone) as file:
                file.write(b"\n" if _breaks_off(file.fileno()) else b"")
                file.writelines(f"{line.text}\n".encode() for line in lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotSent(f"the file could not be written: {error.strerror or type(error).__name__}") from None


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _breaks_off(handle: int) -> bool:
    """Whether the last line was cut by a crash, so that the next one must not be written behind it."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


@dataclass(frozen=True)
class ToSyslog:
    host: str
    port: int
    transport: str

    @property
    def label(self) -> str:
        return f"{self.transport}://{self.host}:{self.port}"

    def send(self, lines: Sequence[Line]) -> None:
        messages = [as_syslog(line) for line in lines]
        try:
            if self.transport == "syslog":
                self._in_datagrams(messages)
            else:
                self._in_a_stream(b"".join(b"%d %s" % (len(each), each) for each in messages))
        except (OSError, ValueError) as error:
            raise NotSent(f"syslog could not be reached: {_why(error)}") from None

    def _in_datagrams(self, messages: Sequence[bytes]) -> None:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as sender:
            for each in messages:
                sender.sendto(each[:LONGEST_DATAGRAM], address)

    def _in_a_stream(self, data: bytes) -> None:
        """Believed to have arrived when the receiver, told that no more comes, ends the connection in order."""
        seconds = DEADLINE.total_seconds()
        with socket.create_connection((self.host, self.port), timeout=seconds) as plain:
            if self.transport == "syslog+tls":
                with _tls().wrap_socket(plain, server_hostname=self.host) as stream:
                    stream.sendall(data)
                    # Many end the connection without the word of TLS for it.
                    with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                        stream.unwrap()
                return
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


def as_syslog(line: Line) -> bytes:
    host = socket.gethostname() or "-"
    head = f"<{PRIORITY}>1 {line.at} {host[:255]} devinsync - audit - "
    return head.encode() + b"\xef\xbb\xbf" + line.text.encode()


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.OUTBOUND_CA_BUNDLE or None)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "its TLS certificate or protocol was not accepted"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "no connection came about, or it was cut"


@dataclass(frozen=True)
class ToCollector:
    url: str

    @property
    def label(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    def send(self, lines: Sequence[Line]) -> None:
        headers = {"Content-Type": "application/x-ndjson"}
        if settings.AUDIT_STREAM_TOKEN:
            headers["Authorization"] = f"Bearer {settings.AUDIT_STREAM_TOKEN}"
        proxy = Proxy.parse(settings.OUTBOUND_PROXY) if settings.OUTBOUND_PROXY else None
        route = Route(private=True, ca_file=settings.OUTBOUND_CA_BUNDLE, proxy=proxy)
        transport = Transport(deadline=DEADLINE, connections=1, route=route, app="collector")
        body = "".join(f"{line.text}\n" for line in lines).encode()
        try:
            answer = transport.send("POST", self.url, headers=headers, body=body)
        except RequestFailed:
            raise NotSent("the collector did not answer, or the answer was cut") from None
        finally:
            transport.close()
        if not 200 <= answer.status < 300:
            raise NotSent(f"the collector answered {answer.status}")


def read_targets() -> dict[str, Target]:
    """Those of `AUDIT_STREAM`, by the digest of their address. Raises BadTarget."""
    return {hashlib.sha256(each.encode()).hexdigest(): parse(each) for each in settings.AUDIT_STREAM}


def parse(address: str) -> Target:
    """Raises BadTarget, which says what is wrong and never what was given."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise BadTarget("it is no address") from None
    if parts.scheme == "file":
        return _file(parts)
    if parts.scheme in PORTS:
        if not parts.hostname or parts.username or parts.path.strip("/"):
            raise BadTarget("syslog takes a host and a port alone: syslog+tls://logs.example:6514")
        return ToSyslog(parts.hostname, port or PORTS[parts.scheme], parts.scheme)
    try:
        return ToCollector(clean_base_url(address, takes_path=True))
    except ValidationError as error:
        raise BadTarget(str(error.message)) from None


def _file(parts: SplitResult) -> ToFile:
    path = Path(parts.path)
    if parts.netloc or not path.is_absolute() or path.is_dir():
        raise BadTarget("a file takes its whole path: file:///var/log/devinsync/audit.jsonl")
    return ToFile(path)
