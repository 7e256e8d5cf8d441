"""`manage.py scheduler`: rings for what is due until told to stop."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from encryption.checks import require_known_keys
from syncs.runs.schedule import note_alive, sweep, tick

log = logging.getLogger(__name__)

SWEEP_EVERY = 3600.0


class Command(BaseCommand):
    help = (
        "Rings for runs that are due or that the queue lost, and starts scheduled reconciles. Run one; two do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_keys()
        stop = threading.Event()

        def on_signal(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)
        next_sweep = 0.0
        while not stop.is_set():
            try:
                note_alive()
                tick()
                if time.monotonic() >= next_sweep:
                    sweep()
                    next_sweep = time.monotonic() + SWEEP_EVERY
            except DatabaseError as error:
                log.error("the scheduler could not use the database (%s); it tries again", type(error).__name__)
            close_old_connections()
            stop.wait(settings.SCHEDULER_TICK.total_seconds())
