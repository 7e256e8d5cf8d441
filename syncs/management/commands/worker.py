"""`manage.py worker`: takes runs from the queue until told to stop."""

import gc
import logging
import os
import sys
from typing import Any

import django_rq
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError

from common.compatibility import require_known_database
from common.threads import take_short_turns
from encryption.checks import require_known_keys
from syncs.runs.aftermath import ring_for_the_dead
from syncs.runs.bells import Bells
from syncs.runs.carrier import Carrier
from syncs.runs.foreman import Foreman
from syncs.runs.queue import QUEUE

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Carries out runs, several at once. Start as many as you like; an organization has one run at a time."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--burst", action="store_true", help="Stop when the queue is empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_database()
        require_known_keys()
        try:
            ring_for_the_dead()
        except (DatabaseError, InterfaceError) as error:
            log.warning("could not look for runs that a worker left behind (%s)", type(error).__name__)
        take_short_turns()
        # What is loaded now stays: a fork need not look through it for garbage, nor copy it by doing so.
        gc.freeze()
        sys.exit(Foreman(make_carrier, burst=options["burst"]).work())


def make_carrier() -> Carrier:
    name = f"worker-{os.getpid()}-{os.urandom(4).hex()}"
    return Carrier(Bells(django_rq.get_queue(QUEUE), name))
