"""The errors of the Devin API.

DevinError(message, retryable, status)
├── Unreachable      nothing was sent: refused, no such host, TLS failed                   may pass
├── Ambiguous        may have been carried out: timeout, cut, 5xx, unusable 200, redirect  may pass
├── RateLimited      429, carried out for sure not; `retry_after` says how long to wait    may pass
├── ListIncomplete   a list that cannot be believed                                        may pass
├── Unauthorized     401: the API key; `reason` if it has expired
├── Forbidden        403: a permission, or its `reason`; on DELETE also: there is no such secret
├── NotFound         404: the organization or the address
├── KeyTaken         409, or 422 whose detail says that the key is taken
└── Refused          any other 4xx: this one item

Each message says what was tried, on what, what came back and what to do; none holds a value, an API key or anything of
an answer's body.
"""

from datetime import timedelta
from enum import Enum

from connections.errors import ConnectionFailed


class Reason(Enum):
    """Why Devin refuses a key, as far as its answer tells."""

    EXPIRED = "the key's time is over"
    ADDRESS = "requests come from an address that is not on the enterprise's IP access list"


class DevinError(ConnectionFailed):
    """A request to Devin did not do what was asked. `retryable` tells whether it may work later, as it is."""

    reason: Reason | None = None


class Unreachable(DevinError):
    """The request was not sent."""

    retryable = True


class Ambiguous(DevinError):
    """The request may have been carried out. Only a fresh list tells."""

    retryable = True


class RateLimited(DevinError):
    """Devin asks to wait longer than a request can."""

    retryable = True

    def __init__(self, message: str, *, retry_after: timedelta, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class ListIncomplete(DevinError):
    """A list was not complete or contradicts itself, so no change may follow from it."""

    retryable = True


class Unauthorized(DevinError):
    """The API key is not accepted."""


class Forbidden(DevinError):
    """The API key may not do this, or the secret to delete is not there."""


class NotFound(DevinError):
    """There is nothing at this address."""


class KeyTaken(DevinError):
    """Another secret of the organization has this key."""


class Refused(DevinError):
    """Devin does not take this item as it is."""
