"""The Infisical API as far as secrets are read: each call answers parsed JSON, or raises InfisicalError.

Reading changes nothing there, so a request is sent again after anything that can pass. After a refused token there is
one fresh login and one more try. `sort` is which limit of Infisical's a request counts for.
"""

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from connections.budgets import Budget
from connections.http import STRAIGHT, Answer, RequestFailed, Route, Transport
from connections.infisical.answers import (
    Attempt,
    error_in,
    failure,
    parse_json,
    rate_limited,
    retry_after,
)
from connections.infisical.errors import NotFound, TokenRefused, Unreachable
from connections.infisical.tokens import Tokens

SECRETS, READS = "secrets", "reads"
TRIES = 3
# So long a worker waits for its turn within a budget, before the run makes room for others.
LONGEST_WAIT = timedelta(seconds=70)
BACKOFF_BASE, BACKOFF_CAP = 0.3, 5.0


@dataclass(frozen=True)
class Site:
    """Where a client talks to, and which connection it does that for."""

    base_url: str
    connection: str


class InfisicalClient:
    """One thread at a time. With `patience`, all its calls together end within that time."""

    def __init__(
        self,
        site: Site,
        *,
        tokens: Tokens,
        budget: Budget,
        deadline: timedelta,
        patience: timedelta | None = None,
        route: Route = STRAIGHT,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.site = site
        self._tokens = tokens
        self._budget = budget
        self._transport = Transport(deadline=deadline, connections=1, route=route, app="infisical")
        self._tries = TRIES if patience is None else 1
        self._longest_wait = LONGEST_WAIT if patience is None else patience / 2
        self._wait = wait
        self._clock = clock
        self._ends_at = clock() + (math.inf if patience is None else patience.total_seconds())

    @property
    def requests_sent(self) -> int:
        return self._transport.requests_sent

    def get(
        self,
        path: str,
        query: Mapping[str, str],
        what: str,
        *,
        sort: str = READS,
        may_send: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """`what` completes “Could not …”. `may_send` is called when the bytes are about to leave."""
        answer = self.fetch(path, query, what, sort=sort, may_send=may_send)
        return parse_json(answer, self._attempt(what))

    def fetch(
        self,
        path: str,
        query: Mapping[str, str],
        what: str,
        *,
        sort: str = READS,
        may_send: Callable[[], None] = lambda: None,
    ) -> Answer:
        """As `get`, unparsed."""
        attempt = self._attempt(what)
        url = f"{self.site.base_url}{path}" + (f"?{urlencode(query)}" if query else "")
        token, is_fresh, tries = self._tokens.current(), False, 0
        while True:
            tries += 1
            try:
                return self._understood(self._send(url, token, attempt, sort, may_send), attempt)
            except TokenRefused as refused:
                if is_fresh:
                    raise
                token, is_fresh = self._another_token(token, refused), True
            except Unreachable as error:
                if not error.retryable or tries >= self._tries or self._left() <= 0:
                    raise
                self._wait(min(_backoff(tries), max(self._left(), 0)))

    def get_either(self, calls: Mapping[str, Mapping[str, str]], what: str, *, sort: str = READS) -> dict[str, Any]:
        """The first of several routes that this version of the server has."""
        missing: NotFound | None = None
        for path, query in calls.items():
            try:
                return self.get(path, query, what, sort=sort)
            except NotFound as error:
                if not error.is_route:
                    raise
                missing = error
        assert missing is not None  # noqa: S101 - there is at least one route
        raise missing

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _understood(answer: Answer, attempt: Attempt) -> Answer:
        if error := error_in(answer, attempt):
            raise error
        return answer

    def _attempt(self, what: str) -> Attempt:
        return Attempt(what, self.site.connection)

    def _another_token(self, refused: str, error: TokenRefused) -> str:
        token = self._tokens.renewed(refused)
        if token == refused:
            raise error
        return token

    def _send(self, url: str, token: str, attempt: Attempt, sort: str, may_send: Callable[[], None]) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        self._await_turn(attempt, sort)
        try:
            answer = self._transport.send("GET", url, headers=headers, may_send=may_send, within=self._left())
        except RequestFailed as failed:
            raise failure(failed, attempt) from None
        if answer.status == 429:
            self._budget.spend(sort, retry_after(answer))
        else:
            self._budget.learn(sort, answer)
        return answer

    def _await_turn(self, attempt: Attempt, sort: str) -> None:
        """Raises RateLimited if it takes longer than somebody waits."""
        waited = 0.0
        while wait := self._budget.take(sort):
            # A moment more for some, so that not all of them come at once.
            seconds = wait.total_seconds() + random.uniform(0.01, 0.5)  # noqa: S311
            waited += seconds
            if waited > min(self._longest_wait.total_seconds(), self._left()):
                raise rate_limited(attempt, wait)
            self._wait(seconds)
        if self._left() <= 0:
            raise failure(RequestFailed("no answer came in time", sent=False), attempt)

    def _left(self) -> float:
        return self._ends_at - self._clock()


def segment(text: str) -> str:
    return quote(text, safe="")


def _backoff(tries: int) -> float:
    return random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2**tries))  # noqa: S311 -- only spreads load
