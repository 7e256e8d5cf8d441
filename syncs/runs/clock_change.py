"""After the clock was set back: what was to happen at a time of the old clock happens as soon as it would have."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from common import clock
from connections.models import Connection
from syncs.choices import OPEN_STATUSES
from syncs.models import Destination, DevinSync, SyncRun

log = logging.getLogger(__name__)


def after_the_clock_was_set_back(by: timedelta) -> None:
    """Leases are granted anew for their whole length: whoever is alive renews them, those of the dead end with it."""
    log.warning("the clock was set back by about %s s", round(by.total_seconds()))
    now = clock.now()
    Destination.objects.filter(lease_expires_at__gt=Now() + settings.SYNC_LEASE).update(
        lease_expires_at=Now() + settings.SYNC_LEASE
    )
    runs = SyncRun.objects.filter(status__in=OPEN_STATUSES)
    runs.filter(rung_at__gt=now).update(rung_at=None)
    runs.filter(not_before__gt=now).update(not_before=F("not_before") - by)
    DevinSync.objects.filter(next_reconcile_at__gt=now).update(next_reconcile_at=F("next_reconcile_at") - by)
    Connection.objects.filter(rate_limited_until__gt=now).update(rate_limited_until=F("rate_limited_until") - by)
