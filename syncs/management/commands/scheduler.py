"""`manage.py scheduler`: rings for what is due until told to stop."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections

from audit.chain import link_some
from common import observing
from common.companions import companions
from common.compatibility import require_known_database
from common.life_sign import LifeSign
from common.places import places
from encryption.checks import require_known_keys
from syncs.runs.housekeeping import Housekeeping
from syncs.runs.polling import ring_due_copies, ring_due_looks
from syncs.runs.schedule import note_alive, tick

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Rings for runs that are due or that the queue lost, and starts scheduled reconciles. Run one; two do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_database()
        require_known_keys()
        stop = stop_on_signals()
        observing.start("scheduler")
        with companions("scheduler"):
            work_until(stop)
        observing.stop()


def stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def work_until(stop: threading.Event) -> None:
    housekeeping = Housekeeping(pause=stop.wait)
    life_sign = LifeSign("scheduler")
    period = settings.SCHEDULER_TICK.total_seconds()
    while not stop.is_set():
        began = time.monotonic()
        life_sign.give()
        try:
            note_alive()
            tick()
            ring_due_looks()
            ring_due_copies()
            link_some()
            housekeeping.go_on(until=began + period / 2)
        except (DatabaseError, InterfaceError) as error:
            kind = type(error).__name__
            log.error("the scheduler could not use the database (%s at %s); it tries again", kind, places(error))
        close_old_connections()
        stop.wait(max(0.0, began + period - time.monotonic()))
