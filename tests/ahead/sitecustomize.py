"""Loaded by every Python of `make test-ahead`.

faketime moves the time until which `time.sleep` sleeps, but not the clock that it sleeps by: `select` knows only how
long.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex, /) -> None:
    length = float(seconds)
    if length < 0:
        raise ValueError("sleep length must be non-negative")
    until = time.monotonic() + length
    while True:
        select.select([], [], [], max(0.0, until - time.monotonic()))
        if time.monotonic() >= until:
            return


time.sleep = sleep
