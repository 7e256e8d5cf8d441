"""The errors of the API of Vault and OpenBao.

OpenBaoError(message, retryable, status)
├── Unreachable      no whole answer came, or the server is sealed, a standby or unwell      may pass
├── RateLimited      429; `retry_after` says how long to wait                                may pass
├── LoginRefused     role ID and secret ID, or the way to them, are not accepted
├── TokenRefused     the token is not accepted any more
├── Forbidden        the policies of the token do not allow it
├── NotFound         there is no such mount or namespace
├── Rejected         any other 4xx: the request itself is not taken
└── Unusable         an answer that cannot be believed

Each message says what was tried, on what, what came back and what to do; none holds a value, a credential, a token or
anything of an answer's body.
"""

from datetime import timedelta

from connections.errors import ConnectionFailed


class OpenBaoError(ConnectionFailed):
    """A request did not bring what was asked."""


class Unreachable(OpenBaoError):
    retryable = True


class RateLimited(OpenBaoError):
    retryable = True

    def __init__(self, message: str, *, retry_after: timedelta, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class LoginRefused(OpenBaoError):
    pass


class TokenRefused(OpenBaoError):
    pass


class Forbidden(OpenBaoError):
    pass


class NotFound(OpenBaoError):
    pass


class Rejected(OpenBaoError):
    pass


class Unusable(OpenBaoError):
    pass
