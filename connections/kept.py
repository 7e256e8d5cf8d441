"""Connections that outlive their client: what stands after one run serves the next, without another TLS handshake.

Whoever takes some has them alone until they are given back. Bounded: so many sets in all, each of as many connections
as its client may have; none that was idle for longer than it would be used anyway; none of credentials that have been
replaced since. A fork starts with none.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Self

from connections import sockets
from connections.pools import BoundedAdapter

MOST = 32


@dataclass(frozen=True)
class Owner:
    """Whose connections they are. `proof` differs for other credentials or another address, and tells neither."""

    name: str
    proof: str

    @classmethod
    def of(cls, name: str, *, address: str, credentials: str) -> Self:
        return cls(name, hashlib.sha256(f"{address}\0{credentials}".encode()).hexdigest())


@dataclass(frozen=True)
class _Idle:
    owner: Owner
    like: Hashable
    adapter: BoundedAdapter
    since: float


class Shelf:
    """May be shared by threads."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, owner: Owner, *, like: Hashable) -> BoundedAdapter | None:
        """Those that were used last, made `like` this; None if there are none."""
        with self._lock:
            self._drop(lambda idle: idle.owner.name == owner.name and idle.owner != owner)
            self._drop(_is_stale)
            for idle in reversed(self._idle):
                if (idle.owner, idle.like) == (owner, like):
                    self._idle.remove(idle)
                    return idle.adapter
        return None

    def give_back(self, owner: Owner, adapter: BoundedAdapter, *, like: Hashable) -> None:
        """Call it only if no request is under way on any of them, and none failed."""
        with self._lock:
            self._idle.append(_Idle(owner, like, adapter, time.monotonic()))
            self._drop(_is_stale)
            while len(self._idle) > MOST:
                self._idle.pop(0).adapter.close()

    def close_all(self) -> None:
        with self._lock:
            self._drop(lambda _: True)

    def _drop(self, is_unwanted: Callable[[_Idle], bool]) -> None:
        for idle in [idle for idle in self._idle if is_unwanted(idle)]:
            self._idle.remove(idle)
            idle.adapter.close()


def _is_stale(idle: _Idle) -> bool:
    return time.monotonic() - idle.since >= sockets.IDLE_LIMIT


shelf = Shelf()
