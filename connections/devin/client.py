"""The Devin API: each call with a deadline, retries by method and one gate for all threads.

What may be sent again depends on the method. A GET, and a DELETE by id, may be repeated after anything that can pass.
A POST is repeated after a 429 only: that was surely not carried out. After anything else it may have been, and only
a fresh list tells.
"""

import json
import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

from connections.devin.answers import (
    MANAGE_SECRETS,
    Attempt,
    error_in,
    failure,
    out_of_patience,
    parse_json,
    rate_limited,
    retry_after,
    unusable,
)
from connections.devin.audit import AuditEvent
from connections.devin.errors import Ambiguous, DevinError, RateLimited, Unreachable
from connections.devin.gate import Gate, GateClosed, Turn
from connections.devin.lists import Listing, incomplete, next_cursor
from connections.devin.paths import segment
from connections.devin.service_users import ServiceUserCalls
from connections.devin.slots import Slots
from connections.devin.types import Item, Page, Principal, RemoteOrganization, RemoteSecret
from connections.http import STRAIGHT, Answer, RequestFailed, Route, Transport
from connections.kept import Owner
from connections.validation import VISIBLE_ASCII

# Devin gives at most this many a page.
PAGE_SIZE = 200
MOST_PAGES = 500
EVERYTHING = {"first": PAGE_SIZE}
TRIES = 4
RATE_LIMITED_TRIES = 6
LONGEST_WAIT = timedelta(seconds=60)
BACKOFF_BASE, BACKOFF_CAP = 0.2, 5.0

T = TypeVar("T")


def no_fence() -> None:
    """For a client whose writes nothing can forbid."""


class DevinClient(ServiceUserCalls):
    """Talks to one Devin deployment with one API key; may be shared by threads.

    `fence` is called before each write, when nothing but the sending is left to do; what it raises stops that write and
    comes out of the call unchanged. Of several threads one at a time is between the fence and the sending. With
    `patience`, all its calls together end within that time. `route` is that of `Transport`; the
    HTTP connections of an `owner` serve its next client too. Each request holds one of the `slots` meanwhile.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        deadline: timedelta,
        write_deadline: timedelta | None = None,
        concurrency: int = 4,
        fence: Callable[[], None] | None = None,
        name: str = "",
        closed_for: timedelta = timedelta(0),
        tries: int = TRIES,
        longest_wait: timedelta = LONGEST_WAIT,
        patience: timedelta | None = None,
        route: Route = STRAIGHT,
        owner: Owner | None = None,
        slots: Slots | None = None,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {_checked(api_key)}"}
        self._name, self._fence = name, fence or no_fence
        self._write_deadline = (write_deadline or deadline).total_seconds()
        self._wait = wait
        self._slot = slots.one if slots else nullcontext
        self._tries, self._longest_wait = tries, longest_wait.total_seconds()
        self._transport = Transport(deadline=deadline, connections=concurrency, route=route, owner=owner, app="devin")
        self._patience = math.inf if patience is None else patience.total_seconds()
        self._clock, self._ends_at = clock, clock() + self._patience
        self._gate = Gate(concurrency, wait=wait, clock=clock, closed_for=closed_for.total_seconds())

    @property
    def requests_sent(self) -> int:
        """Requests of which at least a part left this machine, each try counted."""
        return self._transport.requests_sent

    @property
    def rate_limited(self) -> int:
        """How many requests were answered with 429."""
        return self._gate.rate_limited

    @property
    def concurrency_now(self) -> int:
        return self._gate.size

    def get_self(self) -> Principal:
        """Who the API key is. Needs no permission but a valid key."""
        attempt = replace(self._attempt("GET", "find out who the API key is"), is_open=True)
        return self._call(attempt, "/v3/self", parse=Principal.parse)

    def list_secrets(self, org_id: str) -> tuple[RemoteSecret, ...]:
        """All secrets of an organization, or an error: never a part of them."""
        attempt = self._attempt("GET", f"list the secrets of {org_id}", org_id)
        listing = Listing("secret", RemoteSecret.parse, lambda secret: secret.secret_id)
        return self._list(attempt, _secrets_path(org_id), listing)

    def list_organizations(self) -> tuple[RemoteOrganization, ...]:
        """All organizations of the key's enterprise, or an error. Forbidden for a key of one organization alone."""
        attempt = self._attempt("GET", "list the organizations of the enterprise")
        listing = Listing("organization", RemoteOrganization.parse, lambda organization: organization.org_id)
        return self._list(attempt, "/v3/enterprise/organizations", listing)

    def newest_events(self, org_id: str, action: str) -> tuple[AuditEvent, ...]:
        """The newest of the audit log, one page: of an organization or, with "", of the enterprise. Few keys may."""
        where = org_id or "the enterprise"
        attempt = self._attempt("GET", f"read the audit log of {where}", org_id)
        path = f"/v3/organizations/{segment(org_id)}/audit-logs" if org_id else "/v3/enterprise/audit-logs"
        query = urlencode({"order": "desc", "first": PAGE_SIZE, "action": action})
        page = self._call(attempt, f"{path}?{query}", parse=lambda data: Page.parse(data, AuditEvent.parse))
        return page.items

    def _list(
        self, attempt: Attempt, path: str, listing: Listing[Item], query: Mapping[str, Any] = EVERYTHING
    ) -> tuple[Item, ...]:
        found: dict[str, Item] = {}
        cursors: set[str] = set()
        totals: set[int | None] = set()
        asked = dict(query)
        for _ in range(MOST_PAGES):
            page = self._call(attempt, f"{path}?{urlencode(asked)}", parse=listing.parse)
            listing.add(page, found, attempt)
            totals.add(page.total)
            if not page.has_next_page:
                listing.require_total(totals, len(found), attempt)
                return tuple(found.values())
            asked["after"] = next_cursor(page, cursors, attempt)
        raise incomplete(attempt, f"it has more than {MOST_PAGES} pages")

    def create_secret(self, org_id: str, *, key: str, value: str, note: str) -> RemoteSecret:
        """Create a sensitive key-value secret. Sent again after a 429 only."""
        payload = {"type": "key-value", "key": key, "value": value, "is_sensitive": True, "note": note}
        attempt = self._attempt("POST", f"create `{key}` in {org_id}", org_id, sent_texts=(value, note, key))

        def parse(data: object) -> RemoteSecret:
            secret = RemoteSecret.parse(data)
            if secret.key != key:
                raise ValueError("another key")
            return secret

        return self._call(attempt, _secrets_path(org_id), payload=payload, parse=parse)

    def delete_secret(self, org_id: str, secret_id: str) -> None:
        """Delete by id. Devin answers 403, not 404, for a secret that is gone: look before calling it a permission."""
        attempt = self._attempt("DELETE", f"delete secret {secret_id} of {org_id}", org_id)
        self._call(attempt, f"{_secrets_path(org_id)}/{segment(secret_id)}", parse=lambda _: None)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> "DevinClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _attempt(
        self,
        method: str,
        what: str,
        org_id: str = "",
        sent_texts: tuple[str, ...] = (),
        *,
        permission: str = MANAGE_SECRETS,
    ) -> Attempt:
        where = f" in {org_id}" if org_id else ""
        return Attempt(method, what, where, self._name, sent_texts, permission=permission)

    def _call(
        self,
        attempt: Attempt,
        path: str,
        *,
        parse: Callable[[object], T],
        payload: dict[str, Any] | None = None,
    ) -> T:
        """Send until the answer settles it, then parse that."""
        body = None if payload is None else json.dumps(payload).encode()
        turn = self._gate.new_turn()
        tries = 0
        while True:
            try:
                return self._understand(self._send(attempt, turn, path, body), attempt, parse)
            except (Unreachable, Ambiguous) as error:
                tries += 1
                if tries == self._tries or not _may_repeat(attempt, error) or self._left() <= 0:
                    raise
            self._wait(min(backoff(tries), max(self._left(), 0)))

    def _understand(self, answer: Answer, attempt: Attempt, parse: Callable[[object], T]) -> T:
        if error := error_in(answer, attempt):
            raise error
        self._gate.count_success()
        try:
            return parse(None if attempt.method == "DELETE" else parse_json(answer))
        except ValueError as error:
            raise unusable(answer, attempt, str(error)) from None

    def _send(self, attempt: Attempt, turn: Turn, path: str, body: bytes | None) -> Answer:
        """Send until the answer is another than 429."""
        wait = timedelta(0)
        for limited in range(RATE_LIMITED_TRIES):
            answer = self._send_when_open(attempt, turn, path, body)
            if answer.status != 429:
                return answer
            wait = retry_after(answer) or timedelta(seconds=2**limited)
            self._gate.shrink(turn)
            self._gate.close_for(wait.total_seconds())
        raise self._rate_limited(attempt, wait)

    def _send_when_open(self, attempt: Attempt, turn: Turn, path: str, body: bytes | None) -> Answer:
        while True:
            self._enter(attempt, turn)
            try:
                with self._slot():
                    return self._send_once(attempt, path, body)
            except GateClosed:
                # Another thread met a 429 after this one had entered: nothing was sent, so wait with the others.
                continue
            except RequestFailed as failed:
                if _status_is_enough(failed, attempt):
                    return Answer(status=failed.status or 0, headers={}, body=b"")
                raise failure(failed, attempt) from failed
            finally:
                self._gate.leave()

    def _enter(self, attempt: Attempt, turn: Turn) -> None:
        if (left := self._left()) <= 0:
            raise out_of_patience(attempt, self._patience)
        try:
            self._gate.enter(turn, longest_wait=min(self._longest_wait, left))
        except GateClosed as closed:
            raise self._rate_limited(attempt, timedelta(seconds=closed.seconds)) from None

    def _rate_limited(self, attempt: Attempt, wait: timedelta) -> RateLimited:
        advice = "It is tried again after that." if self._patience == math.inf else "Try again then."
        return rate_limited(attempt, wait, advice=advice)

    def _left(self) -> float:
        return self._ends_at - self._clock()

    def _send_once(self, attempt: Attempt, path: str, body: bytes | None) -> Answer:
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        is_write = attempt.method != "GET"
        return self._transport.send(
            attempt.method,
            f"{self._base_url}{path}",
            headers=headers,
            body=body,
            may_send=self._may_write if is_write else self._gate.require_open,
            within=min(self._left(), self._write_deadline if is_write else math.inf),
        )

    def _may_write(self) -> None:
        self._gate.require_open()
        self._fence()


def _checked(api_key: str) -> str:
    if not VISIBLE_ASCII.fullmatch(api_key):
        raise ValueError("The API key has characters that no API key has.")
    return api_key


def backoff(tries: int) -> float:
    """How many seconds to wait after so many tries."""
    return random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2**tries))  # noqa: S311 -- only spreads load


def _may_repeat(attempt: Attempt, error: DevinError) -> bool:
    if attempt.method == "POST":
        return False
    if error.status is None or error.status >= 500 or error.status == 408:
        return True
    return attempt.method == "GET" and error.status < 300


def _status_is_enough(failed: RequestFailed, attempt: Attempt) -> bool:
    """Whether the status says all there is to know, so that the missing rest of the answer does not matter."""
    return failed.status is not None and (failed.status >= 300 or attempt.method == "DELETE")


def _secrets_path(org_id: str) -> str:
    return f"/v3/organizations/{segment(org_id)}/secrets"
