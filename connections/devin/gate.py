"""The gate that all requests of one client pass: how many at once, and when none at all.

On a 429 the gate closes for as long as Devin asks and the number of requests at once halves; it grows by one after each
twenty successes. Turns are given in order of age, so that a request which met a 429 is the next to go.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from common.counting import Counter

SUCCESSES_TO_GROW = 20
RATE_LIMITED = Counter(
    "devinsync_rate_limited_seconds_total", "Seconds for which Devin asked clients to send nothing, by answers of 429."
)


class GateClosed(Exception):
    """Nothing may be sent for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"closed for {seconds:.1f} s")
        self.seconds = seconds


@dataclass(eq=False)
class Turn:
    """One request's place in the order, kept over its tries. `shrinks`: how often the gate had shrunk when it began."""

    number: int
    shrinks: int = 0


class Gate:
    def __init__(
        self, size: int, *, wait: Callable[[float], None], clock: Callable[[], float], closed_for: float = 0.0
    ) -> None:
        self.size = size
        self.rate_limited = 0
        self._largest = size
        self._wait = wait
        self._clock = clock
        self._changed = threading.Condition()
        self._turns = 0
        self._waiting: dict[int, Turn] = {}
        self._inside = 0
        self._successes = 0
        self._shrinks = 0
        self._closed_until = clock() + closed_for if closed_for > 0 else float("-inf")

    def new_turn(self) -> Turn:
        with self._changed:
            self._turns += 1
            return Turn(self._turns)

    def enter(self, turn: Turn, *, longest_wait: float) -> None:
        """Wait for this turn. Raises GateClosed at once if the gate stays closed for longer than `longest_wait`."""
        try:
            while pause := self._try_to_enter(turn):
                if pause > longest_wait:
                    raise GateClosed(pause)
                self._wait(pause)
        except BaseException:
            self._give_up(turn)
            raise

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def require_open(self) -> None:
        with self._changed:
            if (pause := self._pause()) > 0:
                raise GateClosed(pause)

    def count_success(self) -> None:
        with self._changed:
            self._successes += 1
            if self._successes >= SUCCESSES_TO_GROW and self.size < self._largest:
                self.size += 1
                self._successes = 0
                self._changed.notify_all()

    def close_for(self, seconds: float) -> None:
        """Send nothing for that long."""
        with self._changed:
            now = self._clock()
            RATE_LIMITED.add(max(0.0, now + seconds - max(self._closed_until, now)))
            self._closed_until = max(self._closed_until, now + seconds)
            self._changed.notify_all()

    def shrink(self, turn: Turn) -> None:
        """Send fewer at once from now on. Requests under way together meet their 429 together, which counts once."""
        with self._changed:
            self.rate_limited += 1
            self._successes = 0
            if turn.shrinks == self._shrinks:
                self._shrinks += 1
                self.size = max(1, self.size // 2)

    def _try_to_enter(self, turn: Turn) -> float:
        """Zero when inside, otherwise the seconds for which the gate is closed."""
        with self._changed:
            self._waiting[turn.number] = turn
            self._changed.wait_for(lambda: self._pause() > 0 or self._may_enter(turn))
            if (pause := self._pause()) > 0:
                return pause
            del self._waiting[turn.number]
            self._inside += 1
            turn.shrinks = self._shrinks
            self._changed.notify_all()
            return 0.0

    def _give_up(self, turn: Turn) -> None:
        with self._changed:
            self._waiting.pop(turn.number, None)
            self._changed.notify_all()

    def _may_enter(self, turn: Turn) -> bool:
        return self._inside < self.size and turn.number == min(self._waiting)

    def _pause(self) -> float:
        return self._closed_until - self._clock()
