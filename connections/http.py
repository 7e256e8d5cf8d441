"""The one place for outgoing HTTP, over `requests`: one request in, one answer or one kind of failure out.

Each request has a total deadline and its answer a largest size. No redirect is followed, no proxy, `.netrc` or
certificate bundle is taken from the environment, no cookie is kept: all of those belong to `requests.Session`, which is
not used, only the adapter below it. Nothing is tried twice here: whether that is safe, only the caller knows.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from common import tracing
from common.counting import Counter, Histogram
from connections.kept import Owner, shelf
from connections.pools import BoundedAdapter, begin
from connections.proxies import Proxy
from connections.sockets import CONNECT_TIMEOUT, READ_TIMEOUT, Exchange

log = logging.getLogger(__name__)

APPS = ("devin", "infisical", "hashicorp-vault", "single-sign-on")
NO_ANSWER, UNSENT = "none", "unsent"
STATUSES = (
    "200", "201", "204", "400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504", NO_ANSWER, UNSENT,
)  # fmt: skip

SENT = Counter(
    "devinsync_requests_total",
    "Requests to Devin and to sources by the answer's status. none: no whole answer came; unsent: nobody was reached.",
    {"app": APPS, "status": STATUSES},
)
TOOK = Histogram("devinsync_request_duration_seconds", "How long such a request took.", {"app": APPS})

LARGEST_ANSWER = 8 * 1024 * 1024
CHUNK = 64 * 1024

# Its warnings quote what a server sent.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Answer:
    """A status with what came with it. Redirects and errors are answers too."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class RequestFailed(Exception):
    """No whole answer came. Says why; `sent` is False if surely nothing was sent, `status` is set if it had come."""

    def __init__(self, reason: str, *, sent: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.status = status


@dataclass(frozen=True)
class Route:
    """How to come to a host.

    `private`: it may be in a private network; one that is spelled as this machine may be this machine in any case.
    `ca_file` names a PEM file of the authorities to trust instead of the usual ones, `ca_pem` is such a file's text and
    comes first. `proxy` is the way out, if there is one.
    """

    private: bool = False
    ca_file: str = ""
    ca_pem: str = ""
    proxy: Proxy | None = None


STRAIGHT = Route()


class Transport:
    """Sends requests to one host over a few kept connections. May be shared by threads.

    With an `owner`, they outlive it: the owner's next transport goes on with them. Requests count as those of `app`.
    """

    def __init__(
        self,
        *,
        deadline: timedelta,
        connections: int,
        route: Route = STRAIGHT,
        owner: Owner | None = None,
        app: str = "",
    ) -> None:
        self._app = app
        self.requests_sent = 0
        self._deadline = deadline.total_seconds()
        self._route = route
        self._owner = owner
        self._has_failed = self._is_closed = False
        self._connections = connections
        kept = shelf.take(owner, like=(connections, route)) if owner else None
        self._adapter = kept or BoundedAdapter(connections=connections, ca_file=route.ca_file, ca_pem=route.ca_pem)
        self._free = threading.Semaphore(connections)
        self._sending = threading.Lock()
        self._counting = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        may_send: Callable[[], None] = lambda: None,
        within: float = math.inf,
    ) -> Answer:
        """Send one request and read its whole answer, in `within` seconds if that is less than the deadline.

        `may_send` is called when the connection stands and the bytes are ready; what it raises comes out unchanged,
        and nothing was sent.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "DevinSync", **headers}
        prepared = requests.Request(method, url, headers=headers, data=body).prepare()
        seconds = min(self._deadline, within)
        exchange = self._new_exchange(method, seconds, may_send)
        if self._is_closed:
            raise RequestFailed("its client has been closed", sent=False)
        # The pool would wait for a free connection for as long as it takes.
        if not self._free.acquire(timeout=max(seconds, 0)):
            raise RequestFailed("no connection was free in time", sent=False)
        try:
            return self._send_observed(prepared, exchange, seconds)
        except BaseException:
            self._has_failed = True
            raise
        finally:
            self._free.release()

    def close(self) -> None:
        """Nothing is sent after it but what is under way already."""
        if self._is_closed:
            return
        self._is_closed = True
        under_way = not all(self._free.acquire(blocking=False) for _ in range(self._connections))
        if self._owner is None or self._has_failed or under_way:
            self._adapter.close()
        else:
            shelf.give_back(self._owner, self._adapter, like=(self._connections, self._route))

    def _new_exchange(self, method: str, seconds: float, may_send: Callable[[], None]) -> Exchange:
        return Exchange(
            may_be_repeated=method == "GET",
            ends_at=time.monotonic() + seconds,
            may_send=may_send,
            sending=self._sending,
            private=self._route.private,
            reach=self._route.proxy.reach if self._route.proxy else None,
        )

    def _send_observed(self, prepared: requests.PreparedRequest, exchange: Exchange, seconds: float) -> Answer:
        """What was stopped right before it was sent does not count."""
        began = time.monotonic()
        with tracing.span("request", app=self._app, method=prepared.method or ""):
            try:
                answer = self._send(prepared, exchange, seconds)
            except RequestFailed as failed:
                self._tell(f"{failed.status or (NO_ANSWER if failed.sent else UNSENT)}", began)
                raise
            self._tell(f"{answer.status}", began)
            return answer

    def _tell(self, status: str, began: float) -> None:
        tracing.note(status=status)
        SENT.add(app=self._app, status=status)
        TOOK.observe(time.monotonic() - began, app=self._app)

    def _send(self, prepared: requests.PreparedRequest, exchange: Exchange, seconds: float) -> Answer:
        begin(exchange)
        try:
            return self._exchange(prepared, exchange)
        except (requests.RequestException, HTTPError, OSError) as error:
            if exchange.stopped_by is not None:
                raise exchange.stopped_by from None
            failed = _failed(error, exchange, seconds)
            if not failed.sent:
                log.warning("nothing was sent to %s: %s", urlsplit(prepared.url or "").netloc, failed.reason)
            raise failed from _without_request(error)
        finally:
            if exchange.sent is not False:
                self._count()

    def _exchange(self, prepared: requests.PreparedRequest, exchange: Exchange) -> Answer:
        response = self._adapter.send(prepared, stream=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), proxies={})
        try:
            body = _read(response, exchange)
        finally:
            response.close()
        return Answer(status=response.status_code, headers=response.headers, body=body)

    def _count(self) -> None:
        with self._counting:
            self.requests_sent += 1


def _read(response: requests.Response, exchange: Exchange) -> bytes:
    status = response.status_code
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise RequestFailed("the answer was compressed, which was not asked for", sent=True, status=status)
    chunks, size = [], 0
    try:
        while chunk := response.raw.read(CHUNK, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise RequestFailed("the answer was larger than 8 MiB", sent=True, status=status)
    # urllib3 lets a ValueError out for a chunk of negative size.
    except (HTTPError, OSError, ValueError) as error:
        reason = "the answer was not complete in time" if _is_late(exchange, error) else "the answer broke off"
        raise RequestFailed(reason, sent=True, status=status) from error
    return b"".join(chunks)


def _failed(error: Exception, exchange: Exchange, deadline: float) -> RequestFailed:
    if exchange.sent is False or (exchange.sent is None and isinstance(error, requests.ConnectTimeout)):
        return RequestFailed(exchange.problem or "it could not be sent in time", sent=False)
    if _is_late(exchange, error):
        return RequestFailed(f"no answer came within {min(deadline, READ_TIMEOUT):g} seconds", sent=True)
    return RequestFailed("the connection was cut before the answer came", sent=True)


def _is_late(exchange: Exchange, error: Exception) -> bool:
    if time.monotonic() >= exchange.ends_at:
        return True
    return isinstance(error, requests.Timeout | TimeoutError | ReadTimeoutError)


def _without_request(error: Exception) -> Exception:
    """The library's error for the chain, without the request that it carries: that has the API key and the value."""
    if isinstance(error, requests.RequestException):
        error.request = error.response = None
    return error
