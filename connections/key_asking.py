"""When the keys of connections expire, as Devin says: asked after a test, of new keys, and once a day.

Only of keys that belong to no single organization: others may not ask about themselves. A key that may not ask is an
answer and no fault of the connection.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from connections.devin.app import PATIENCE, PATIENCE_FOR_A_LIST
from connections.devin.keys import MayNotAsk, OwnKey, own_key
from connections.errors import ConnectionFailed
from connections.expiry import Origin
from connections.models import Connection, KeyLife
from encryption import DecryptionError

log = logging.getLogger(__name__)

AFTER_A_FAILURE = timedelta(minutes=10)


def ask(connection: Connection, *, patience: timedelta = PATIENCE_FOR_A_LIST) -> None:
    """Takes over what Devin says. Never inside a transaction. Raises ConnectionFailed and DecryptionError."""
    KeyLife.objects.get_or_create(connection_id=connection.pk)
    KeyLife.objects.filter(pk=connection.pk).update(due_at=timezone.now() + AFTER_A_FAILURE)
    with connection.open_client(patience=patience) as client:
        said = own_key(client, known_id=connection.api_key_id)
    take_over(connection, said)


@transaction.atomic
def take_over(connection: Connection, said: OwnKey | MayNotAsk) -> None:
    """Nothing where the connection has another key by now."""
    same = Connection.objects.select_for_update().filter(pk=connection.pk)
    if not same.filter(sealed_credentials=connection.sealed_credentials).exists():
        return
    life = KeyLife.objects.get(pk=connection.pk)
    if isinstance(said, MayNotAsk):
        life.hear_nothing()
    elif said.key_id:
        life.hear(said.expires_at)
    else:
        _take_over_in_part(life, said.expires_at)


def _take_over_in_part(life: KeyLife, ends_at: datetime | None) -> None:
    """Of the service user alone: the key may end before, and a person may know so."""
    entered = life.expires_at if life.origin == Origin.ENTERED else None
    if entered is None or (ends_at is not None and ends_at < entered):
        life.expires_at = ends_at
        life.origin = Origin.UNKNOWN if ends_at is None else Origin.TOLD
    life.hear_nothing()


def may_be_told(connection: Connection) -> bool:
    return connection.app == Connection.App.DEVIN and not connection.org_id


def due() -> QuerySet[Connection]:
    """Those whose key works and that Devin was not asked about for a day, or since it is used."""
    rows = Connection.objects.filter(app=Connection.App.DEVIN, is_valid=True, org_id="")
    return rows.filter(Q(key_life=None) | Q(key_life__due_at__lte=timezone.now())).order_by("name")


def ask_due() -> None:
    for connection in due():
        _try_to_ask(connection, PATIENCE_FOR_A_LIST)


def ask_beside(connection: Connection) -> None:
    """While a person waits for something else."""
    if may_be_told(connection):
        _try_to_ask(connection, PATIENCE)


def _try_to_ask(connection: Connection, patience: timedelta) -> None:
    try:
        ask(connection, patience=patience)
    except (ConnectionFailed, DecryptionError) as error:
        log.warning("could not ask when the key of connection %s expires: %s", connection.pk, error)
