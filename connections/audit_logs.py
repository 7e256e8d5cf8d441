"""What Devin's audit logs tell of secrets, where the key of a connection may read them.

Told beside the rest alone, so asked with little patience: whatever comes instead of an answer, nothing is known, and
the connection is not asked again for a while.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from connections.devin.app import PATIENCE_BESIDE
from connections.devin.audit import AuditEvent
from connections.devin.client import DevinClient
from connections.devin.errors import DevinError
from connections.errors import ConnectionFailed
from connections.models import Connection
from encryption import DecryptionError

CREATED, UPDATED, DELETED = "create_secret", "update_secret", "delete_secret"
AFTER_A_REFUSAL = timedelta(days=1)
AFTER_A_FAILURE = timedelta(minutes=10)


@dataclass(frozen=True)
class Told:
    """The newest events, the newest first, without what the connection's own key did; None where nothing is known."""

    events: tuple[AuditEvent, ...] | None = None
    requests_sent: int = 0


def newest_events(connection: Connection, org_id: str, actions: Iterable[str]) -> Told:
    """One page an action. Never inside a transaction. Raises nothing of the network's."""
    if connection.audit_logs_due_at > timezone.now():
        return Told()
    try:
        client = connection.open_client(patience=PATIENCE_BESIDE)
    except (ConnectionFailed, DecryptionError):
        return Told()
    with client:
        try:
            events = _read(client, connection, org_id, sorted(actions))
        except DevinError as error:
            _leave_alone(connection, AFTER_A_FAILURE if error.retryable else AFTER_A_REFUSAL)
            return Told(requests_sent=client.requests_sent)
        return Told(events, client.requests_sent)


def _read(client: DevinClient, connection: Connection, org_id: str, actions: list[str]) -> tuple[AuditEvent, ...]:
    scope, found = org_id, list[AuditEvent]()
    for action in actions:
        try:
            page = client.newest_events(scope, action)
        except DevinError as error:
            if error.retryable or scope == "" or connection.org_id:
                raise
            # A key of the enterprise may read its log, though not one organization's.
            scope = ""
            page = client.newest_events(scope, action)
        found += [event for event in page if event.action == action and event.org_id in ("", org_id)]
    return _of_others(client, connection, found) if found else ()


def _of_others(client: DevinClient, connection: Connection, events: list[AuditEvent]) -> tuple[AuditEvent, ...]:
    own_id = client.get_self().id
    if own_id:
        others = [event for event in events if event.by_id != own_id]
    else:
        others = [event for event in events if event.by != connection.principal_name]
    return tuple(sorted(others, key=lambda event: -(event.at or 0)))


def _leave_alone(connection: Connection, span: timedelta) -> None:
    connection.audit_logs_due_at = timezone.now() + span
    Connection.objects.filter(pk=connection.pk).update(audit_logs_due_at=connection.audit_logs_due_at)
