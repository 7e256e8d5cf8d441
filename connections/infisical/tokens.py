"""Access tokens by universal auth.

They are never renewed: with a life as long as its maximum, which is usual, a server answers that by deleting the token.
"""

from typing import Protocol

from connections.infisical.app import new_token
from connections.infisical.errors import LoginRefused
from connections.infisical.login import Token
from connections.tokens import KeptTokens


class Tokens(Protocol):
    """Where a client gets its token."""

    def current(self) -> str:
        """The one to use. Raises InfisicalError."""

    def renewed(self, refused: str) -> str:
        """Another one than the one that was refused. Raises InfisicalError."""


class StoredTokens(KeptTokens):
    refusal = LoginRefused

    def _new_token(self) -> Token:
        return new_token(self._connection, within=self._within)

    def _why_not_again(self) -> str:
        return (
            f"Could not log in to Infisical: it refused the credentials of connection “{self._connection.name}” a "
            "moment ago, and locks an identity out after three wrong logins, so nothing was sent. Correct the "
            "credentials, or choose Test connection there; otherwise it is tried again after five minutes."
        )
