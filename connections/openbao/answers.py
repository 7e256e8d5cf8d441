"""What an answer of Vault or OpenBao means: its data, nothing there, or the error that says what to do. Pure.

The shapes are those of https://openbao.org/api-docs/, seen on an OpenBao 2.7:

    200 {"data": {…}}                  what was asked for
    404 {"errors": []}                 there is nothing at this path
    404 {"data": {…}}                  KV version 2: the latest version is deleted or destroyed
    404 {"errors": ["no handler …"]}   there is no such mount or namespace
    403                                a policy, or a token that is none any more: only the token's own look-up tells
    503                                sealed
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connections.http import Answer, RequestFailed
from connections.openbao.errors import (
    Forbidden,
    LoginRefused,
    NotFound,
    OpenBaoError,
    RateLimited,
    Rejected,
    Unreachable,
    Unusable,
)

LONGEST_RETRY_AFTER = timedelta(days=1)
USUAL_RETRY_AFTER = timedelta(seconds=10)
# Some load balancers pass on what the health check of a standby answers: a secondary for disaster, a read replica.
STANDBY = (472, 473)
# A KV engine for a moment after it was made, or made to keep versions.
UPGRADING = b"Upgrading from non-versioned to versioned data"


@dataclass(frozen=True)
class Number:
    """A number that is no whole one, as it was written: 1.10 is not 1.1 to everybody."""

    written: str = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """What is being tried, for messages: `what` completes “Could not …”."""

    what: str
    connection: str
    is_login: bool = False

    def says(self, came: str, advice: str) -> str:
        return f"Could not {self.what}: {came}. {advice}"


def error_in(answer: Answer, attempt: Attempt) -> OpenBaoError | None:
    """The error that a status tells of; None for 200, and for a 404, whose body tells more."""
    status = answer.status
    if status == 200 or (status == 404 and not attempt.is_login):
        return None
    if status == 429:
        return rate_limited(attempt, retry_after(answer))
    if problem := _unavailable(answer, attempt):
        return problem
    if attempt.is_login:
        return _login_error(status, attempt)
    if status == 403:
        return forbidden(attempt)
    advice = "The server does not take this request. Look whether it is a Vault or an OpenBao, and at its log."
    return (Rejected if status >= 400 else Unusable)(attempt.says(f"it answered {status}", advice), status=status)


def _unavailable(answer: Answer, attempt: Attempt) -> Unreachable | None:
    status = answer.status
    came = f"it answered {status}"
    if 300 <= status < 400 or status in STANDBY:
        advice = (
            "That is what a standby does, and redirects are not followed. Give connection "
            f"“{attempt.connection}” the address of the active server, or of a load balancer that leads there."
        )
    elif status == 503:
        advice = "It is sealed or not ready. Unseal it; until then nothing is changed."
    elif status == 400 and UPGRADING in answer.body:
        advice = "Its KV engine is being upgraded to version 2; it is tried again."
    elif status >= 500 or status in (408, 412):
        advice = "Look whether the server is well; it is tried again."
    else:
        return None
    return Unreachable(attempt.says(came, advice), status=status)


def _login_error(status: int, attempt: Attempt) -> LoginRefused:
    advice = (
        f"Check role ID and secret ID of connection “{attempt.connection}”, its namespace and where AppRole is "
        "mounted, and on the server that the secret ID has not expired, is not used up and allows this machine."
    )
    return LoginRefused(attempt.says(f"it answered {status}", advice), status=status)


def forbidden(attempt: Attempt) -> Forbidden:
    advice = (
        f"Give connection “{attempt.connection}” a policy that allows it: `read` on the secrets, `read` and `list` "
        "on their metadata."
    )
    return Forbidden(attempt.says("it answered 403", advice), status=403)


def rate_limited(attempt: Attempt, wait: timedelta) -> RateLimited:
    seconds = max(1, round(wait.total_seconds()))
    came = f"it allows no more requests for {seconds} second{'' if seconds == 1 else 's'}"
    return RateLimited(attempt.says(came, "It is tried again after that."), retry_after=wait)


def failure(failed: RequestFailed, attempt: Attempt) -> Unreachable:
    advice = f"Check the address of connection “{attempt.connection}”, and whether the server is well."
    came = "nothing was sent, no connection came about" if not failed.sent else failed.reason
    if not failed.sent:
        advice += " The log of DevinSync tells more."
    return Unreachable(attempt.says(came, advice), status=failed.status)


def unusable(attempt: Attempt, what_was_wrong: str) -> Unusable:
    advice = "Nothing is changed on the strength of such an answer. Look at this place on the server, and sync again."
    return Unusable(attempt.says(what_was_wrong, advice))


def data_in(answer: Answer, attempt: Attempt) -> dict[str, Any] | None:
    """The data of a 200 or a 404; None if the server says in so many words that nothing is there."""
    body = parse_json(answer, attempt)
    data, errors = body.get("data"), body.get("errors")
    if answer.status == 404 and isinstance(errors, list) and data is None:
        if not errors and not body.get("warnings"):
            return None
        advice = f"There is no such mount or namespace. Check both in connection “{attempt.connection}”."
        raise NotFound(attempt.says("it answered 404", advice), status=404)
    if errors or not isinstance(data, dict):
        raise unusable(attempt, "the answer has no data")
    if answer.status == 404 and data.get("data") is not None:
        raise unusable(attempt, "the answer says that nothing is there, and has data")
    return data


def parse_json(answer: Answer, attempt: Attempt) -> dict[str, Any]:
    """The body, an object whose keys are each there once."""
    try:
        body = json.loads(
            answer.body.decode(),
            object_pairs_hook=_without_doubles,
            parse_float=Number,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise unusable(attempt, "the answer is no whole JSON, so perhaps not the server's") from None
    if not isinstance(body, dict):
        raise unusable(attempt, "the answer is no JSON object")
    return body


def retry_after(answer: Answer) -> timedelta:
    """By Retry-After, in seconds or as a date; the rate limits of both servers are by the second."""
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        wait = timedelta(seconds=int(text))
    else:
        # By the server's clock where it tells the time: ours may differ.
        now = _parse_date(answer.headers.get("Date", "")) or datetime.now(UTC)
        wait = (_parse_date(text) or now) - now
    return min(wait, LONGEST_RETRY_AFTER) if wait > timedelta(0) else USUAL_RETRY_AFTER


def _parse_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
