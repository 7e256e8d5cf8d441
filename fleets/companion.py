"""Beside the scheduler: sets that are due make their syncs."""

import threading
from typing import Any

from django.utils import timezone

from common.companions import repeat
from connections.models import Connection
from connections.organizations import organizations_listed
from fleets.generating import generate
from fleets.models import SyncSet

LOOK_EVERY = 2.0


def connect() -> None:
    organizations_listed.connect(on_organizations_listed, dispatch_uid="fleets.companion")


def on_organizations_listed(*, connection: Connection, **_: Any) -> None:
    """Some may be new, gone or called otherwise."""
    SyncSet.objects.filter(connection=connection).update(generate_due_at=timezone.now())


def generate_due() -> None:
    for set_id in SyncSet.objects.due().order_by("generate_due_at").values_list("pk", flat=True):
        generate(set_id)


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "make the syncs of sync sets", generate_due, every=LOOK_EVERY)
