"""Waits for something, by looking again and again."""

import time
from collections.abc import Callable

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5


def wait_for(is_so: Callable[[], bool], *, seconds: float, longest_pause: float = LONGEST_PAUSE) -> bool:
    """Whether it is so within that time. Looks at once, then after pauses that grow, and once more at the end."""
    until, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not is_so():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, longest_pause)
    return True
