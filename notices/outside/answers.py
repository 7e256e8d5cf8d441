"""What came of a message, in words: the status and what it means. Never what the other side wrote."""

from dataclasses import dataclass
from http import HTTPStatus

# What passes by itself, besides what a server says of its own faults.
PASSING = frozenset((408, 425, 429))
MEANINGS = {
    400: "it does not understand the message: see whether the channel's address is for this kind of message",
    401: "it does not accept the credentials in the channel's address: enter the address again",
    403: "it does not allow this: see what the credentials in the channel's address may do there",
    404: "there is nothing at the channel's address: enter the address again",
    410: "what stood at the channel's address was taken away: make a new address there",
    413: "the message is too long for it",
    429: "it asks for patience",
}


@dataclass(frozen=True)
class Answer:
    """`may_pass`: the same message may be taken later, without anybody changing anything."""

    is_taken: bool
    words: str
    may_pass: bool = False


def of_http(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(True, f"{named(status)}: taken")
    return Answer(False, f"{named(status)}: {_meaning(status)}", may_pass=status in PASSING or status >= 500)


def of_smtp(status: int) -> Answer:
    """RFC 5321: 4xx may pass, 5xx will not."""
    if status < 400:
        return Answer(True, f"SMTP {status}: taken")
    if status in (530, 534, 535, 538):
        meaning = "the mail server does not accept SMTP_USER and SMTP_PASSWORD, or asks for them"
    elif status < 500:
        meaning = "the mail server cannot take it now"
    else:
        meaning = "the mail server refuses it: see the addresses of the channel and MAIL_FROM"
    return Answer(False, f"SMTP {status}: {meaning}", may_pass=status < 500)


def named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _meaning(status: int) -> str:
    if 300 <= status < 400:
        return "it leads elsewhere, which is not followed: enter the address that it leads to"
    if status >= 500:
        return "it has a fault of its own"
    return MEANINGS.get(status, "it does not take the message")
