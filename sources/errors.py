"""What can go wrong with a source. No message ever holds a value, a token or what a server sent.

SourceError              a place cannot be read whole, so it is not read at all; `retryable`: waiting may help
├── PlaceMissing         there is no such environment or folder
├── Refused              the source knows us and does not let us, or no longer knows us
├── Unavailable          the source did not answer, not wholly or not now; retryable
└── Untrustworthy        the answer is not what was asked for, is hidden, or leaves something unresolved
"""

from datetime import timedelta


class SourceError(Exception):
    """Says what was tried, on what, what came back and what to do.

    `retry_after` is how long the source asked us to stay away, if it did; `secret_id`, the source's own, the secret at
    fault, if one is.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        retry_after: timedelta | None = None,
        secret_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.secret_id = secret_id
        if retryable is not None:
            self.retryable = retryable


class PlaceMissing(SourceError):
    pass


class Refused(SourceError):
    pass


class Unavailable(SourceError):
    retryable = True


class Untrustworthy(SourceError):
    pass
