"""Beside the scheduler: rollouts go on even where nobody told that they can."""

import logging
import threading

from django.db import DatabaseError, InterfaceError

from common.companions import repeat
from fleets.choices import RolloutState
from fleets.models import Rollout
from fleets.waves.conductor import tend
from syncs.choices import AsksForWave
from syncs.models import DevinSync

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0


def tend_all() -> None:
    asking = DevinSync.objects.exclude(asks_for_wave=AsksForWave.NO).order_by().values_list("set_id", flat=True)
    is_open = Rollout.objects.filter(state__in=(RolloutState.RUNNING, RolloutState.STOPPED)).order_by()
    for set_id in filter(None, {*asking, *is_open.values_list("set_id", flat=True)}):
        try:
            tend(set_id)
        except (DatabaseError, InterfaceError) as error:
            log.warning("could not go on with a rollout of set %s (%s)", set_id, type(error).__name__)


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "go on with rollouts", tend_all, every=LOOK_EVERY)
