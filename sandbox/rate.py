"""Rate limits: how many requests a caller may send, and who came back too early."""

import math
import re
import threading
from collections import deque
from datetime import datetime
from email.utils import parsedate_to_datetime


class RateLimit:
    """Counts the requests let through to each caller in a rolling window; refused ones do not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed: dict[str, deque[float]] = {}

    def seconds_to_wait(self, caller: str, now: float, *, limit: int, window: float) -> int | None:
        """None where the request may pass, else the whole seconds after which one is free again."""
        with self._lock:
            passed = self._passed.setdefault(caller, deque())
            while passed and passed[0] <= now - window:
                passed.popleft()
            if len(passed) < limit:
                passed.append(now)
                return None
            first_to_leave = passed[0] if passed else now
            return max(1, math.ceil(first_to_leave + window - now))

    def clear(self) -> None:
        with self._lock:
            self._passed.clear()


class RetryAfterWindows:
    """The times in which a caller was told to stay away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, list[tuple[float, float]]] = {}

    def announce(self, caller: str, header: str, now: float, wall: float) -> None:
        seconds = seconds_of(header, wall)
        if seconds is not None:
            with self._lock:
                self._windows.setdefault(caller, []).append((now, now + seconds))

    def contain(self, caller: str, now: float, grace: float) -> bool:
        with self._lock:
            return any(start + grace <= now < end for start, end in self._windows.get(caller, ()))

    def clear(self) -> None:
        with self._lock:
            self._windows.clear()


def seconds_of(header: str, wall: float) -> float | None:
    """What a Retry-After header asks for; None for one that says nothing readable."""
    if re.fullmatch("[0-9]{1,15}", header.strip()):
        return float(header)
    try:
        date: datetime = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - wall)
