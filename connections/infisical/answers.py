"""What an answer of Infisical's means: parsed, or the error that says what to do. Pure.

The shapes are those of its public API, seen on a self-hosted server of 2024 and read in its newer source.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connections.http import Answer, RequestFailed
from connections.infisical.errors import (
    Forbidden,
    InfisicalError,
    LoginRefused,
    NotFound,
    RateLimited,
    Rejected,
    TokenRefused,
    Unreachable,
    Unusable,
)

LONGEST_RETRY_AFTER = timedelta(days=1)
# Without a word from Infisical: its limits are counted by the minute.
USUAL_RETRY_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Attempt:
    """What is being tried, for messages: `what` completes “Could not …”."""

    what: str
    connection: str
    is_login: bool = False

    def says(self, came: str, advice: str) -> str:
        return f"Could not {self.what}: {came}. {advice}"


def error_in(answer: Answer, attempt: Attempt) -> InfisicalError | None:
    """The error that a status tells of, None for a 200."""
    status = answer.status
    if status == 200:
        return None
    if status == 429:
        return rate_limited(attempt, retry_after(answer))
    came = f"Infisical answered {status}"
    if error := _no_answer(status, attempt, came):
        return error
    if attempt.is_login:
        return _login_error(answer, attempt, came)
    return _refusal(answer, attempt, came)


def _no_answer(status: int, attempt: Attempt, came: str) -> InfisicalError | None:
    """Where what was asked for was not answered, neither so nor so."""
    if status < 300 or status == 304:
        advice = (
            "Only 200 is a whole answer, so perhaps a proxy in between answered. Look what stands between connection "
            f"“{attempt.connection}” and Infisical; until then nothing is changed."
        )
        return Unusable(attempt.says(came, advice), status=status)
    if status < 400:
        advice = f"Redirects are not followed. Correct the address of connection “{attempt.connection}”."
        return Unreachable(attempt.says(came, advice), retryable=False, status=status)
    if status >= 500 or status == 408:
        advice = f"Look whether Infisical is well; it is tried again. The connection is “{attempt.connection}”."
        return Unreachable(attempt.says(came, advice), status=status)
    return None


def _login_error(answer: Answer, attempt: Attempt, came: str) -> InfisicalError:
    # It answers 404 to an unknown client ID too, but then says so itself.
    if answer.status == 404 and _told(answer, "error") != "NotFound":
        advice = f"There is no Infisical at the address of connection “{attempt.connection}”. Correct it."
        return NotFound(attempt.says(came, advice), status=404)
    advice = (
        f"Check client ID and client secret of connection “{attempt.connection}”, and in Infisical whether the machine "
        "identity has universal auth, an unused-up client secret and this server's address among its trusted ones. "
        "Infisical locks an identity for five minutes after three wrong logins."
    )
    return LoginRefused(attempt.says(came, advice), status=answer.status)


def _refusal(answer: Answer, attempt: Attempt, came: str) -> InfisicalError:
    status = answer.status
    if status == 401 or (status == 403 and _told(answer, "error") == "TokenError"):
        advice = (
            f"The access token is not accepted, not even a fresh one. Look at the machine identity of connection "
            f"“{attempt.connection}” in Infisical."
        )
        return TokenRefused(attempt.says(came, advice), status=status)
    if status == 403:
        advice = (
            f"Give the machine identity of connection “{attempt.connection}” a role in this project that may read "
            "its environments, folders, imports and secrets with their values."
        )
        return Forbidden(attempt.says(came, advice), status=status)
    if status == 404:
        advice = (
            "Check that it is still there, and that the machine identity of connection "
            f"“{attempt.connection}” may see it."
        )
        missing = NotFound(attempt.says(came, advice), status=status)
        missing.is_route = is_missing_route(answer)
        return missing
    advice = "Infisical does not take this request. Look at its log, and at the versions in docs/sources.md."
    return Rejected(attempt.says(came, advice), status=status)


def rate_limited(attempt: Attempt, wait: timedelta) -> RateLimited:
    seconds = max(1, round(wait.total_seconds()))
    came = f"Infisical allows no more requests for {seconds} second{'' if seconds == 1 else 's'}"
    return RateLimited(attempt.says(came, "It is tried again after that."), retry_after=wait)


def failure(failed: RequestFailed, attempt: Attempt) -> InfisicalError:
    advice = f"Check the address of connection “{attempt.connection}”, and whether Infisical is well."
    return Unreachable(attempt.says(failed.reason, advice), status=failed.status)


def unusable(attempt: Attempt, what_was_wrong: str) -> Unusable:
    advice = "Nothing is changed on the strength of such an answer. Look at this place in Infisical, and sync again."
    return Unusable(attempt.says(what_was_wrong, advice))


def parse_json(answer: Answer, attempt: Attempt) -> dict[str, Any]:
    """The body, an object whose keys are each there once."""
    try:
        data = json.loads(answer.body.decode(), object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise unusable(attempt, "the answer is no whole JSON, so perhaps not Infisical's") from None
    if not isinstance(data, dict):
        raise unusable(attempt, "the answer is no JSON object")
    return data


def retry_after(answer: Answer) -> timedelta:
    """By Retry-After, in seconds or as a date, else by X-RateLimit-Reset, in seconds."""
    told = _seconds(answer.headers.get("Retry-After", "")) or _seconds(answer.headers.get("X-RateLimit-Reset", ""))
    return min(told or USUAL_RETRY_AFTER, LONGEST_RETRY_AFTER)


def _seconds(text: str) -> timedelta | None:
    text = text.strip()
    if text.isascii() and text.isdigit():
        # Longer than any limit of Infisical's: more digits would overflow.
        return timedelta(seconds=min(int(text[:9]), 10**8)) or None
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - datetime.now(UTC), timedelta(0)) or None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def is_missing_route(answer: Answer) -> bool:
    """Whether a 404 is of the server itself, which tells so of routes that its version lacks."""
    message = _told(answer, "message")
    return message.startswith("Route ") and message.endswith(" not found")


def _told(answer: Answer, name: str) -> str:
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    return str(data.get(name)) if isinstance(data, dict) else ""
