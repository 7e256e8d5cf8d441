"""A client for a stored connection: its tokens, its budget, its route."""

from datetime import timedelta

from connections.budgets import SharedBudget
from connections.infisical.app import Infisical
from connections.infisical.client import InfisicalClient, Site
from connections.infisical.errors import Unreachable
from connections.infisical.tokens import StoredTokens
from connections.models import Connection

# One request may take this long in all.
DEADLINE = timedelta(seconds=30)


def open_client(connection: Connection, *, patience: timedelta | None = None, spares: bool = False) -> InfisicalClient:
    """To be closed by the caller. With `patience`, a person waits; with `spares`, half of what the
    server allows is left to others. Raises InfisicalError if nothing may be sent."""
    if connection.app != Infisical.name:
        raise Unreachable(f"Nothing was sent: the connection “{connection.name}” is not to Infisical.", retryable=False)
    if problem := connection.why_not_allowed():
        raise Unreachable(problem, retryable=False)
    deadline = DEADLINE if patience is None else min(DEADLINE, patience)
    return InfisicalClient(
        Site(connection.base_url, connection.name),
        tokens=StoredTokens(connection, within=deadline),
        budget=SharedBudget(connection.pk, spares=spares),
        deadline=deadline,
        patience=patience,
        route=connection.route(),
    )
