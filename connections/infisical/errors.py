"""The errors of the Infisical API.

InfisicalError(message, retryable, status)
├── Unreachable      no whole answer came: refused, no such host, TLS failed, cut, 5xx         may pass
├── RateLimited      429, or the budget that Infisical told is spent; `retry_after` says how long   may pass
├── LoginRefused     the client ID or client secret is not accepted, or the identity is locked out
├── TokenRefused     an access token is not accepted any more
├── Forbidden        the identity may not do this
├── NotFound         there is no such project, environment, folder or route
├── Rejected         any other 4xx: the request itself is not taken
└── Unusable         an answer that cannot be believed

Each message says what was tried, on what, what came back and what to do; none holds a value, a credential, a token or
anything of an answer's body.
"""

from datetime import timedelta

from connections.errors import ConnectionFailed


class InfisicalError(ConnectionFailed):
    """A request to Infisical did not bring what was asked."""


class Unreachable(InfisicalError):
    retryable = True


class RateLimited(InfisicalError):
    retryable = True

    def __init__(self, message: str, *, retry_after: timedelta, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class LoginRefused(InfisicalError):
    pass


class TokenRefused(InfisicalError):
    pass


class Forbidden(InfisicalError):
    pass


class NotFound(InfisicalError):
    """With `is_route`, this version of the server does not have the route at all."""

    is_route = False


class Rejected(InfisicalError):
    pass


class Unusable(InfisicalError):
    pass
