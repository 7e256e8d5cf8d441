"""What an answer of Devin's means: a parsed body, or one error of the tree with a sentence that says what to do.

A body is read to tell one error from another, and is never repeated.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connections.devin.errors import (
    Ambiguous,
    DevinError,
    Forbidden,
    KeyTaken,
    NotFound,
    RateLimited,
    Reason,
    Refused,
    Unauthorized,
    Unreachable,
)
from connections.http import Answer, RequestFailed

MANAGE_SECRETS, MANAGE_KEYS = "ManageOrgSecrets", "ManageAccountServiceUsers"
LONGEST_RETRY_AFTER = timedelta(minutes=15)
SAYS_TAKEN = re.compile(r"\b(taken|exists?|existing|duplicated?|duplicates|already in use|already used|unique)\b", re.I)
SAYS_EXPIRED = re.compile(r"\bexpired\b", re.I)
SAYS_ADDRESS = re.compile(r"\bIP\b|\b(allow|access)[ _-]?list", re.I)
SAYS_MISSING = re.compile(r"(\bnot|n['’]t|\bno longer|\bnever)\s+(yet\s+)?exists?\b", re.I)


@dataclass(frozen=True)
class Attempt:
    """What was tried, in the words of a message, and what an answer may not be mistaken for."""

    method: str
    what: str
    where: str
    connection: str
    sent_texts: tuple[str, ...] = ()
    # Every key may do it, so that nothing is to be permitted where it is refused.
    is_open: bool = False
    # What the key lacks where it is refused.
    permission: str = MANAGE_SECRETS

    def says(self, came_back: str, advice: str) -> str:
        return f"Could not {self.what}: {came_back}. {advice}"

    @property
    def is_of_keys(self) -> bool:
        """Of API keys and whose they are, not of secrets."""
        return self.permission == MANAGE_KEYS

    @property
    def by_connection(self) -> str:
        return f"connection “{self.connection}”" if self.connection else "the connection"


def parse_json(answer: Answer) -> Any:
    """The body's JSON. Raises ValueError for anything that is not plain JSON, without what was in it."""
    try:
        return json.loads(answer.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None


def error_in(answer: Answer, attempt: Attempt) -> DevinError | None:
    """The error that an answer stands for; None for a success. Not for 429."""
    status = answer.status
    if status in (200, 201) or (status == 204 and attempt.method == "DELETE"):
        return None
    if status < 400:
        return _unexpected(status, attempt)
    if status >= 500 or status == 408:
        return Ambiguous(attempt.says(f"Devin answered {status}", "It is tried again later."), status=status)
    creates_secret = attempt.method == "POST" and not attempt.is_of_keys
    if status in (409, 422) and creates_secret and _is_taken(answer, attempt):
        advice = "Another secret of the organization has this key."
        return KeyTaken(attempt.says(f"Devin answered {status}", advice), status=status)
    return _refusal(answer, attempt)


def failure(failed: RequestFailed, attempt: Attempt) -> DevinError:
    """The error for a request that got no whole answer.

    Why no connection came about stands in the log alone: the pages would tell whoever may edit connections which ports
    of which machines are open.
    """
    advice = f"Check the base URL of {attempt.by_connection} and the network."
    if not failed.sent:
        advice += " The log of the server tells more."
        return Unreachable(attempt.says("nothing was sent to Devin, no connection came about", advice))
    advice = "It may have been carried out all the same; the next list tells." if attempt.method != "GET" else advice
    return Ambiguous(attempt.says(failed.reason, advice), status=failed.status)


def unusable(answer: Answer, attempt: Attempt, member: str) -> Ambiguous:
    """The error for a success that does not say what it should."""
    came_back = f"Devin answered {answer.status} with something else than expected ({member})"
    return Ambiguous(attempt.says(came_back, f"Check the base URL of {attempt.by_connection}."), status=answer.status)


def rate_limited(attempt: Attempt, wait: timedelta, *, advice: str) -> RateLimited:
    wait = min(wait, LONGEST_RETRY_AFTER)
    came_back = f"Devin allows no more requests for {wait.total_seconds():.0f} seconds"
    return RateLimited(attempt.says(came_back, advice), retry_after=wait)


def out_of_patience(attempt: Attempt, patience: float) -> Unreachable:
    """The error for what a person waits for, when they have waited long enough."""
    came_back = f"Devin did not tell all within {patience:g} seconds"
    return Unreachable(attempt.says(came_back, "Try again; a run has more patience."))


def retry_after(answer: Answer) -> timedelta | None:
    """How long a 429 asks to wait, at most a quarter of an hour; None if it does not say so intelligibly."""
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        seconds = min(float(text), LONGEST_RETRY_AFTER.total_seconds())
        return timedelta(seconds=seconds) or None
    if not (at := _parse_date(text)):
        return None
    # By Devin's clock where it tells the time: ours may differ.
    now = _parse_date(answer.headers.get("Date", "")) or datetime.now(UTC)
    return min(at - now, LONGEST_RETRY_AFTER) if at > now else None


def _unexpected(status: int, attempt: Attempt) -> Ambiguous:
    if status < 300:
        return Ambiguous(attempt.says(f"Devin answered {status}", "That is not an answer it documents."), status=status)
    advice = f"Redirects are not followed. Check the base URL of {attempt.by_connection}."
    may_have_changed = attempt.method != "GET"
    return Ambiguous(attempt.says(f"Devin answered {status}", advice), status=status, retryable=may_have_changed)


def _refusal(answer: Answer, attempt: Attempt) -> DevinError:
    status = answer.status
    came_back = f"Devin answered {status}"
    if status in (401, 403):
        return _key_refused(answer, attempt)
    if status == 404:
        checked = "the service user in Devin" if attempt.is_of_keys else "the organization ID"
        advice = f"Check {checked}, and the base URL of {attempt.by_connection}."
        return NotFound(attempt.says(came_back, advice), status=status)
    advice = "Look at its API keys in Devin." if attempt.is_of_keys else "Check its key and value."
    return Refused(attempt.says(came_back, advice), status=status)


def _key_refused(answer: Answer, attempt: Attempt) -> DevinError:
    reason = _reason_in(answer, attempt)
    if reason is Reason.EXPIRED:
        advice = f"The API key of {attempt.by_connection} has expired. Make a new one in Devin, and enter it there."
    elif reason is Reason.ADDRESS:
        advice = (
            "It does so to every address that is not on the enterprise's IP access list. Have the one that "
            f"{attempt.by_connection} comes from added there, or let it go out by a proxy that is on the list."
        )
    elif answer.status == 401:
        advice = f"Check the API key of {attempt.by_connection}."
    else:
        advice = f"Give the API key of {attempt.by_connection} the permission {attempt.permission}{attempt.where}."
    kind = Unauthorized if answer.status == 401 else Forbidden
    error = kind(attempt.says(f"Devin answered {answer.status}", advice), status=answer.status)
    error.reason = reason
    return error


def _reason_in(answer: Answer, attempt: Attempt) -> Reason | None:
    """What the answer's words say. Without any, a key that may not even be asked who it is comes from outside."""
    text = _said(answer, attempt)
    if SAYS_EXPIRED.search(text):
        return Reason.EXPIRED
    if answer.status == 403 and (attempt.is_open or SAYS_ADDRESS.search(text)):
        return Reason.ADDRESS
    return None


def _is_taken(answer: Answer, attempt: Attempt) -> bool:
    """Whether a refused creation was refused for its key, not for its value.

    A 422 for a bad value must not pass for a taken key, because a taken key is answered by deleting its secret.
    """
    if answer.status == 409:
        return True
    return bool(SAYS_TAKEN.search(SAYS_MISSING.sub(" ", _said(answer, attempt))))


def _said(answer: Answer, attempt: Attempt) -> str:
    """The words of a refusal, without what was sent, in case Devin repeats it; "" where it has none."""
    try:
        text = _detail(parse_json(answer))
    except ValueError:
        return ""
    for sent in attempt.sent_texts:
        text = text.replace(sent, " ") if sent else text
    return text


def _detail(body: Any) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, str):
        return detail
    if isinstance(detail, list):
        # Only the messages of a list of faults: their "input" repeats what was sent.
        messages = [item.get("msg") for item in detail if isinstance(item, dict)]
        return " ".join(message for message in messages if isinstance(message, str))
    return ""


def _parse_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
