"""Identical reads of one moment are done once, within a process: 200 syncs of one folder ask once for it.

A reader joins one whose request has not left yet, for instance because it waits for its turn within the budget. One
that has left nobody joins: what changed since would be missing. Nothing is kept once it is handed over.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    def __init__(self) -> None:
        self._boarding: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def fly(self, key: Hashable, read: Callable[[Callable[[], None]], T]) -> T:
        """What `read` answers or raises, or that of somebody who has just asked for the same.

        `read` is handed what it must call when its request is about to leave.
        """
        with self._lock:
            flight = self._boarding.get(key)
            is_mine = flight is None
            if flight is None:
                flight = self._boarding[key] = Future()
        if not is_mine:
            return flight.result()
        own = flight

        def leave() -> None:
            self._close(key, own)

        try:
            own.set_result(read(leave))
        except BaseException as error:
            leave()
            own.set_exception(error)
        else:
            leave()
        return own.result()

    def _close(self, key: Hashable, flight: Future[T]) -> None:
        with self._lock:
            if self._boarding.get(key) is flight:
                del self._boarding[key]
