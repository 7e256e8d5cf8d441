"""What the scheduler does for rotations: it carries on each that is due."""

import threading

from common import clock
from common.companions import repeat
from connections.rotation.models import KeyRotation
from connections.rotation.scheduling import ask_due
from connections.rotation.steps import carry_on

LOOK_EVERY = 2.0


def carry_on_due() -> None:
    due = KeyRotation.objects.filter(ended_at=None, due_at__lte=clock.now()).order_by("due_at")
    for rotation_id in list(due.values_list("pk", flat=True)):
        carry_on(rotation_id)


def turn() -> None:
    ask_due()
    carry_on_due()


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "rotate keys", turn, every=LOOK_EVERY)
