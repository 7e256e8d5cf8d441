"""What syncs and their runs do with the key of a connection, for its rotation."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from connections.models import Connection
from connections.rotation.uses import register_uses
from syncs.choices import Status
from syncs.models import Destination, DevinSync, SyncRun


def organizations_of(connection: Connection) -> Collection[str]:
    """Those that its syncs write to."""
    return DevinSync.objects.filter(connection=connection).order_by().values_list("org_id", flat=True).distinct()


def is_under_way(connection: Connection, moment: datetime) -> bool:
    """Whether a run lives that began before then. One whose lease is over writes nothing any more."""
    leases = Destination.objects.filter(lease_run_id=OuterRef("pk"), lease_expires_at__gt=Now())
    runs = SyncRun.objects.filter(connection=connection, status=Status.RUNNING, started_at__lt=moment)
    return runs.filter(Exists(leases)).exists()


def register() -> None:
    register_uses(organizations_of, is_under_way)
