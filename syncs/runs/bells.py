"""The workers' side of the queue: which bell rings next, and that a worker is there."""

import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rq.queue import Queue
from rq.worker import Worker
from rq.worker_registration import get_keys, register

from syncs.runs.queue import BELLS

log = logging.getLogger(__name__)

ALIVE_EVERY = 10.0


def count_workers(queue: Queue) -> int:
    """Those that have shown themselves lately: who is killed stays in the register, without a sign of life."""
    keys = get_keys(queue=queue)
    return int(queue.connection.exists(*keys)) if keys else 0


@dataclass
class Bells:
    """Bells are heard once: the database knows what is to be done, and a bell that is lost is rung again.

    Of RQ there is only its register of workers.
    """

    queue: Queue
    name: str
    _worker: Worker | None = None
    _shown_at: float = float("-inf")

    @property
    def _connection(self) -> Redis:
        return self.queue.connection

    def next(self, seconds: float) -> UUID | None:
        """The run that a bell is for, or None if none rang for so long. What is no bell of ours is dropped."""
        while (bell := self._pop(seconds)) is not None:
            run_id = self._understand(bell)
            if run_id is not None:
                return run_id
        return None

    def _pop(self, seconds: float) -> str | None:
        if seconds:
            found: Any = self._connection.bzpopmin(BELLS, seconds)
            raw = found[1] if found else None
        else:
            found = self._connection.zpopmin(BELLS)
            raw = found[0][0] if found else None
        return raw.decode(errors="replace") if raw is not None else None

    def _understand(self, bell: str) -> UUID | None:
        try:
            return UUID(bell)
        except ValueError:
            # Its text may be a forger's.
            log.error("dropped what lay in the queue and is no bell of ours")
            return None

    def show_alive(self) -> None:
        """For the overview, now and then. Nothing depends on it."""
        now = time.monotonic()
        if now < self._shown_at + ALIVE_EVERY:
            return
        self._shown_at = now
        try:
            if self._worker is None:
                self._worker = self._register()
            # Once more each time: a queue that was emptied has forgotten that there are any.
            register(self._worker)
            self._worker.heartbeat()
        except (RedisError, OSError, ValueError):
            return

    def _register(self) -> Worker:
        worker = Worker([self.queue], connection=self._connection, name=self.name, worker_ttl=45)
        worker.register_birth()  # type: ignore[no-untyped-call]
        return worker

    def show_gone(self) -> None:
        try:
            if self._worker is not None:
                self._worker.register_death()  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return
