"""Which organizations a connection reaches, by name: asked of Devin where the key belongs to an enterprise, and kept.

A key of one organization, or one without the permission, lists none: that is an answer and no fault of the connection.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone

from common.companions import repeat
from connections.devin.app import PATIENCE_FOR_A_LIST
from connections.devin.errors import DevinError, Unauthorized
from connections.devin.types import RemoteOrganization
from connections.errors import ConnectionFailed
from connections.key_asking import ask_due
from connections.models import Connection, Organization
from encryption import DecryptionError

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
AFTER_A_FAILURE = timedelta(minutes=10)
LOOK_EVERY = 5.0
# Sent with the `connection` whose organizations have just been taken over, in the transaction of that.
organizations_listed = Signal()


@dataclass(frozen=True)
class Refreshed:
    """`is_listed` is False where the key may not list them; then nothing is known, and nothing changes."""

    is_listed: bool
    count: int = 0
    new: int = 0
    gone: int = 0


def refresh(connection: Connection) -> Refreshed:
    """Asks Devin and takes over what it says. Never inside a transaction. Raises ConnectionFailed where that may pass
    or the key is refused, and DecryptionError."""
    Connection.objects.filter(pk=connection.pk).update(organizations_due_at=timezone.now() + EVERY)
    try:
        with connection.open_client(patience=PATIENCE_FOR_A_LIST) as client:
            found = client.list_organizations()
    except DevinError as error:
        if not error.retryable and not isinstance(error, Unauthorized):
            return Refreshed(is_listed=False)
        later = timezone.now() + AFTER_A_FAILURE
        Connection.objects.filter(pk=connection.pk).update(organizations_due_at=later)
        raise
    return take_over(connection, found)


@transaction.atomic
def take_over(connection: Connection, found: Sequence[RemoteOrganization]) -> Refreshed:
    """A whole list: what it lacks is gone, until it is there again."""
    now, known = timezone.now(), set(connection.organizations.values_list("org_id", flat=True))
    rows = [Organization(connection=connection, org_id=each.org_id, name=each.name) for each in found]
    Organization.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["connection", "org_id"],
        update_fields=["name", "last_seen_at", "gone_at"],
    )
    present = {each.org_id for each in found}
    gone = connection.organizations.filter(gone_at=None).exclude(org_id__in=present).update(gone_at=now)
    organizations_listed.send(Organization, connection=connection)
    return Refreshed(is_listed=True, count=len(found), new=len(present - known), gone=gone)


def due() -> QuerySet[Connection]:
    """Those to Devin whose key works, belongs to no single organization, and was not asked for a day."""
    rows = Connection.objects.filter(app=Connection.App.DEVIN, is_valid=True, org_id="")
    return rows.filter(organizations_due_at__lte=timezone.now()).order_by("organizations_due_at")


def refresh_due() -> None:
    for connection in due():
        try:
            refresh(connection)
        except (ConnectionFailed, DecryptionError) as error:
            log.warning("could not list the organizations of connection %s: %s", connection.pk, error)


def ask_what_is_due() -> None:
    refresh_due()
    ask_due()


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "ask what connections reach and when their keys expire", ask_what_is_due, every=LOOK_EVERY)
