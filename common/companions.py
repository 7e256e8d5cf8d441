"""What runs in a thread beside a process's own work and must never hold it up. Apps register it when they are ready."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import close_old_connections, connections
from django.urls import set_script_prefix

from common.places import places

log = logging.getLogger(__name__)

# Goes on until the event is set, and ends soon after.
Companion = Callable[[threading.Event], None]
SECONDS_TO_END = 5.0

_companions: defaultdict[str, dict[str, Companion]] = defaultdict(dict)


def register_companion(role: str, name: str, run: Companion) -> None:
    """`role`: web or scheduler. A later one of that name takes its place."""
    _companions[role][name] = run


@contextmanager
def companions(role: str) -> Iterator[None]:
    """Those of a role, for as long as the process works. What one is at when that ends is cut off after a while."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=run, args=[stop], name=name, daemon=True) for name, run in _companions[role].items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS_TO_END)


def repeat(stop: threading.Event, what: str, turn: Callable[[], object], *, every: float) -> None:
    """Takes a turn every so many seconds until it is to stop. One that fails stands in the log, by its kind and place
    alone, and the next one comes: nothing may end all later ones unnoticed."""
    # Django sets it for the thread that it starts in alone, and links have it in them.
    set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")
    while not stop.wait(every):
        try:
            turn()
        except Exception as error:
            log.error("could not %s (%s at %s); tries again", what, type(error).__name__, places(error))
        close_old_connections()
    connections.close_all()
