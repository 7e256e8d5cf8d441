"""The workers' side of the queue: which bell rings next, and that a worker is there."""

import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.queue import Queue
from rq.serializers import JSONSerializer

from syncs.runs.queue import SyncJob, SyncWorker

log = logging.getLogger(__name__)

ALIVE_EVERY = 10.0


@dataclass
class Bells:
    """Bells are heard once: the database knows what is to be done, and a bell that is lost is rung again."""

    queue: Queue
    name: str
    _worker: SyncWorker | None = None
    _shown_at: float = float("-inf")

    @property
    def _connection(self) -> Redis:
        return self.queue.connection

    def next(self, seconds: float) -> UUID | None:
        """The run that a bell is for, or None if none rang for so long. What is no bell of ours is dropped."""
        while (job_id := self._pop(seconds)) is not None:
            run_id = self._understand(job_id)
            if run_id is not None:
                return run_id
        return None

    def _pop(self, seconds: float) -> str | None:
        if seconds:
            popped = self._connection.blpop([self.queue.key], seconds)
            raw: Any = popped[1] if popped else None
        else:
            raw = self._connection.lpop(self.queue.key)
        return raw.decode(errors="replace") if raw is not None else None

    def _understand(self, job_id: str) -> UUID | None:
        try:
            job = SyncJob.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
            run_id = UUID(str(job.args[0]))
        except NoSuchJobError:
            return None
        except (RedisError, OSError):
            raise
        except Exception as error:
            # Whatever it is, nobody carries it out. Its text may be a forger's.
            log.error("dropped what lay in the queue and is no bell of ours (%s)", type(error).__name__)
            run_id = None
        self._connection.delete(SyncJob.key_for(job_id))
        return run_id

    def show_alive(self) -> None:
        """For the overview, now and then. Nothing depends on it."""
        now = time.monotonic()
        if now < self._shown_at + ALIVE_EVERY:
            return
        self._shown_at = now
        try:
            if self._worker is None:
                self._worker = self._register()
            self._worker.heartbeat()
        except (RedisError, OSError, ValueError):
            return

    def _register(self) -> SyncWorker:
        worker = SyncWorker(
            [self.queue],
            connection=self._connection,
            job_class=SyncJob,
            serializer=JSONSerializer,
            name=self.name,
            worker_ttl=45,
        )
        worker.register_birth()  # type: ignore[no-untyped-call]
        return worker

    def show_gone(self) -> None:
        try:
            if self._worker is not None:
                self._worker.register_death()  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return
