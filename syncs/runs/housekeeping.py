"""When to clean up: once an hour, in pieces that fit between two ticks."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.cleaning import cleaning

EVERY = 3600.0


@dataclass
class Housekeeping:
    """`pause` waits, and may be told to end early; `clock` is monotonic. Both in seconds."""

    pause: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _next: float = float("-inf")
    _under_way: Iterator[str] | None = None

    def go_on(self, *, until: float) -> None:
        """Goes on with what is to be done, or begins anew if an hour has passed; a chunk begun is finished."""
        if self._under_way is None:
            if self.clock() < self._next:
                return
            # Before it begins: what fails is tried again in an hour, not at each tick.
            self._next = self.clock() + EVERY
            self._under_way = cleaning()
        began = self.clock()
        for _ in self._under_way:
            now = self.clock()
            if now >= until:
                return
            # Whoever waits to write has its turn, for as long as the chunk took.
            self.pause(min(now - began, until - now))
            began = self.clock()
        self._under_way = None
