"""A client for a stored connection: its token, its route."""

from dataclasses import dataclass, field
from datetime import timedelta

from connections.models import Connection
from connections.openbao.app import ACCESS_TOKEN, TOKEN, OpenBao, new_token, route_of, server_of
from connections.openbao.client import OpenBaoClient
from connections.openbao.errors import Unreachable
from connections.openbao.tokens import Tokens

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


@dataclass(frozen=True)
class FreshLogins:
    """A login for each client that is opened, and a second one if its token is refused."""

    connection: Connection
    within: timedelta

    def current(self) -> str:
        return new_token(self.connection, within=self.within).text

    def renewed(self, refused: str) -> str | None:
        return self.current()


def open_client(connection: Connection, *, patience: timedelta | None = None) -> OpenBaoClient:
    """To be closed by the caller. With `patience`, a person waits. Raises OpenBaoError if nothing may be sent."""
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
        deadline=deadline,
        patience=patience,
        route=route_of(connection),
    )


def _tokens_of(connection: Connection, *, within: timedelta) -> Tokens:
    if connection.method == ACCESS_TOKEN:
        return OneToken(connection.credentials()[TOKEN.api_name])
    return FreshLogins(connection, within)
