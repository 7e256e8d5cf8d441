"""A client for a stored connection: its token, its limits, its route."""

from dataclasses import dataclass, field
from datetime import timedelta

from connections.budgets import SharedBudget
from connections.models import Connection
from connections.openbao.app import ACCESS_TOKEN, TOKEN, OpenBao, new_token, server_of
from connections.openbao.client import OpenBaoClient
from connections.openbao.errors import LoginRefused, Unreachable
from connections.openbao.tokens import Token, Tokens
from connections.tokens import KeptTokens

# One request may take this long in all.
DEADLINE = timedelta(seconds=30)


@dataclass(frozen=True)
class OneToken:
    """A token that a person entered: there is no other."""

    text: str = field(repr=False)

    def current(self) -> str:
        return self.text

    def renewed(self, refused: str) -> str | None:
        return None


class AppRoleTokens(KeptTokens):
    """Never renewed: a fresh login also takes up what has changed in the role's policies."""

    refusal = LoginRefused

    def _new_token(self) -> Token:
        return new_token(self._connection, within=self._within)

    def _why_not_again(self) -> str:
        return (
            f"Could not log in to {OpenBao.label}: it refused the AppRole of connection “{self._connection.name}” a "
            "moment ago, and locks one out after some wrong logins, so nothing was sent. Correct the credential, or "
            "choose Test connection there; otherwise it is tried again after five minutes."
        )


def open_client(connection: Connection, *, patience: timedelta | None = None, spares: bool = False) -> OpenBaoClient:
    """To be closed by the caller. With `patience`, a person waits; with `spares`, half of what the
    server allows is left to others. Raises OpenBaoError if nothing may be sent."""
    if connection.app != OpenBao.name:
        raise Unreachable(
            f"Nothing was sent: the connection “{connection.name}” is not to {OpenBao.label}.", retryable=False
        )
    if problem := connection.why_not_allowed():
        raise Unreachable(problem, retryable=False)
    deadline = DEADLINE if patience is None else min(DEADLINE, patience)
    return OpenBaoClient(
        server=server_of(connection),
        tokens=_tokens_of(connection, within=deadline),
        budget=SharedBudget(connection.pk, spares=spares),
        deadline=deadline,
        patience=patience,
        route=connection.route(),
    )


def _tokens_of(connection: Connection, *, within: timedelta) -> Tokens:
    if connection.method == ACCESS_TOKEN:
        return OneToken(connection.credentials()[TOKEN.api_name])
    return AppRoleTokens(connection, within=within)
