"""Looks and sends, again and again, in a thread beside the scheduler; beside the web process while no scheduler lives.

Two at once do no harm: incidents are opened under a lock, and deliveries are claimed.
"""

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.urls import set_script_prefix

from common import clock
from common.places import places
from notices.incidents import Lookout
from notices.telling import send_due
from syncs.models import SyncControl
from syncs.runs.schedule import SILENT_AFTER

log = logging.getLogger(__name__)

EVERY = 5.0


def beside_the_scheduler(stop: threading.Event) -> None:
    _go_on(stop, is_standby=False)


def beside_the_web(stop: threading.Event) -> None:
    _go_on(stop, is_standby=True)


def _go_on(stop: threading.Event, *, is_standby: bool) -> None:
    # Django sets it for the thread that it starts in alone, and links have it in them.
    set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")
    lookout = Lookout()
    while not stop.wait(EVERY):
        try:
            if not is_standby or is_scheduler_silent():
                lookout.look()
                send_due()
        except (DatabaseError, InterfaceError) as error:
            log.error("could not look for what to tell (%s at %s); tries again", type(error).__name__, places(error))
        except Exception as error:
            # One message that cannot be made must not end the telling of all others.
            log.error("could not tell (%s at %s); tries again", type(error).__name__, places(error))
        close_old_connections()
    connections.close_all()


def is_scheduler_silent() -> bool:
    """Not where none has ever been."""
    seen = SyncControl.objects.values_list("scheduler_seen_at", flat=True).first()
    return seen is not None and seen < clock.now() - SILENT_AFTER
