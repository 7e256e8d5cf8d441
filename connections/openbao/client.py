"""Reads from Vault or OpenBao: a path or a list of paths, each with a deadline and a few tries, whole or an error.

A 403 has two meanings that look alike, so the token is asked about itself: if it is none any more, one other is got,
once a client and never in a loop.
"""

import math
import random
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from connections.budgets import Budget
from connections.http import STRAIGHT, Answer, RequestFailed, Route, Transport
from connections.openbao.answers import Attempt, data_in, error_in, failure, forbidden, rate_limited, unusable
from connections.openbao.errors import Forbidden, RateLimited, TokenRefused, Unreachable
from connections.openbao.paths import is_name
from connections.openbao.tokens import Server, Tokens, look_up, token_refused

TRIES = 3
# So long a worker waits, in seconds, before the run makes room for others.
LONGEST_WAIT = 70.0
# The server has one limit for all that is asked here.
READS = "reads"
BACKOFF_BASE, BACKOFF_CAP = 0.2, 2.0
# What may pass within a moment; a sealed server or a standby does not.
PASSING = (None, 200, 404, 408, 412, 500, 502, 504)


class OpenBaoClient:
    """Talks to one server as one token.

    With `patience`, all its calls together end within that time. `route` is that of `Transport`.
    """

    def __init__(
        self,
        *,
        server: Server,
        tokens: Tokens,
        deadline: timedelta,
        budget: Budget,
        patience: timedelta | None = None,
        route: Route = STRAIGHT,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self._tokens = tokens
        self._budget = budget
        self._longest_wait = LONGEST_WAIT if patience is None else patience.total_seconds() / 2
        self._wait = wait
        self._clock = clock
        self._ends_at = math.inf if patience is None else clock() + patience.total_seconds()
        self._transport = Transport(deadline=deadline, connections=1, route=route, app="hashicorp-vault")
        self._token = ""
        self._is_token_proved = False
        self._is_renewed = False

    @property
    def requests_sent(self) -> int:
        return self._transport.requests_sent

    def find(self, path: str, what: str) -> dict[str, Any] | None:
        """What the server has at a path of its API, already quoted; None if nothing. `what` completes “Could not …”."""
        attempt = Attempt(what, self.server.connection)
        return data_in(self._ask(path, attempt), attempt)

    def list_names(self, path: str, what: str) -> list[str] | None:
        """The names below a path, folders with a slash at their end; None if there are none."""
        attempt = Attempt(what, self.server.connection)
        # By GET, because not every proxy in between knows the method LIST.
        data = data_in(self._ask(f"{path}?list=true", attempt), attempt)
        return None if data is None else _names_in(data, attempt)

    def whose(self) -> str:
        """Whose token it is, by the server."""
        return look_up(self._transport, self.server, self._current(), within=self._left())

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, path: str, attempt: Attempt) -> Answer:
        token = self._current()
        try:
            return self._try(path, attempt, token)
        except Forbidden:
            another = self._judge(token, attempt)
        if another is None:
            raise forbidden(attempt)
        try:
            return self._try(path, attempt, another)
        except Forbidden:
            if self._judge(another, attempt) is None:
                raise
            raise token_refused(attempt) from None

    def _try(self, path: str, attempt: Attempt, token: str) -> Answer:
        tries, waited = 0, 0.0
        while True:
            try:
                return self._send(path, attempt, token)
            except RateLimited as error:
                pause = error.retry_after.total_seconds()
                waited += pause
                if waited > min(self._longest_wait, self._left()):
                    raise
            except Unreachable as error:
                tries += 1
                if tries == TRIES or error.status not in PASSING or self._left() <= 0:
                    raise
                pause = min(_backoff(tries), max(self._left(), 0))
            self._wait(pause)

    def _send(self, path: str, attempt: Attempt, token: str) -> Answer:
        if (left := self._left()) <= 0:
            raise Unreachable(attempt.says("it did not tell all in time", "Try again; a run has more patience."))
        if wait := self._budget.take(READS):
            raise rate_limited(attempt, wait)
        try:
            answer = self._transport.send("GET", self.server.url(path), headers=self.server.headers(token), within=left)
        except RequestFailed as failed:
            raise failure(failed, attempt) from None
        error = error_in(answer, attempt)
        if isinstance(error, RateLimited):
            self._budget.spend(READS, error.retry_after)
        else:
            self._budget.learn(READS, answer)
        if error is not None:
            raise error
        return answer

    def _current(self) -> str:
        self._token = self._token or self._tokens.current()
        return self._token

    def _judge(self, refused: str, attempt: Attempt) -> str | None:
        """Another token to try with if the refused one is none any more; None if it is one and may not."""
        if self._is_token_proved:
            return None
        try:
            look_up(self._transport, self.server, refused, within=self._left())
        except TokenRefused:
            if self._is_renewed:
                # A fresh one that may not even look itself up: by its policies, then.
                return None
            self._is_renewed = True
            another = self._tokens.renewed(refused)
            if another is None:
                raise token_refused(attempt) from None
            self._token = another
            return another
        self._is_token_proved = True
        return None

    def _left(self) -> float:
        return self._ends_at - self._clock()


def _names_in(data: dict[str, Any], attempt: Attempt) -> list[str]:
    names = data.get("keys")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise unusable(attempt, "the answer is no list of names")
    if not names or len(set(names)) != len(names):
        raise unusable(attempt, "the list is empty or has a name twice, as no list of the server is")
    if not all(is_name(name.removesuffix("/")) for name in names):
        raise unusable(attempt, "the list has a name that no path can have")
    return names


def _backoff(tries: int) -> float:
    return random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2**tries))  # noqa: S311 -- only spreads load
