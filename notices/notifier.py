"""Looks and sends, again and again, in a thread beside the scheduler; beside the web process while no scheduler lives.

Two at once do no harm: incidents are opened under a lock, and deliveries are claimed.
"""

import threading
from functools import partial

from common import clock
from common.companions import repeat
from notices.incidents import Lookout
from notices.telling import send_due
from syncs.models import SyncControl
from syncs.runs.schedule import SILENT_AFTER

EVERY = 5.0


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "tell", partial(_take_turn, Lookout()), every=EVERY)


def beside_the_web(stop: threading.Event) -> None:
    repeat(stop, "tell", partial(_stand_in, Lookout()), every=EVERY)


def _take_turn(lookout: Lookout) -> None:
    lookout.look()
    send_due()


def _stand_in(lookout: Lookout) -> None:
    if is_scheduler_silent():
        _take_turn(lookout)


def is_scheduler_silent() -> bool:
    """Not where none has ever been."""
    seen = SyncControl.objects.values_list("scheduler_seen_at", flat=True).first()
    return seen is not None and seen < clock.now() - SILENT_AFTER
