"""The doorbell: a job carries a run's id and nothing else. Losing it loses no run; the scheduler rings again.

Whoever can write to the queue's memory could otherwise have a worker run any function, callback or webhook. `SyncJob`
accepts one function, one argument in the form of a UUID, and drops what RQ would call besides.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import django_rq
from redis.exceptions import RedisError
from rq.job import Job
from rq.worker import Worker

from common import clock
from syncs.models import SyncRun

log = logging.getLogger(__name__)

QUEUE = "default"
RUN_SYNC = "syncs.runs.jobs.run_sync"


class ForgedJob(Exception):
    """The queue held something that DevinSync does not put there."""


class SyncJob(Job):
    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    def _deserialize_data(self) -> None:
        super()._deserialize_data()  # type: ignore[no-untyped-call]
        if not is_sync_job(self._func_name, self._instance, self._args, self._kwargs):
            raise ForgedJob("A job in the queue is none of DevinSync's; it was not carried out.")


def is_sync_job(function: object, instance: object, args: object, kwargs: object) -> bool:
    if function != RUN_SYNC or instance or kwargs or not isinstance(args, list | tuple) or len(args) != 1:
        return False
    try:
        UUID(str(args[0]))
    except ValueError:
        return False
    return True


class SyncWorker(Worker):
    """RQ's worker, with the intervals that find a dead one soon."""

    job_class = SyncJob


_heard: ContextVar[list[UUID] | None] = ContextVar("heard", default=None)
ROWS = 500


def ring(run_id: UUID) -> bool:
    """Tells the workers of a run, unless its bell is waiting to be heard already, and notes when.

    False if the queue cannot be reached; the run is not lost, only later.
    """
    job_id = f"run-{run_id}"
    try:
        queue = django_rq.get_queue(QUEUE)
        if queue.get_job_position(job_id) is None:
            queue.enqueue_call(
                RUN_SYNC,
                args=(str(run_id),),
                job_id=job_id,
                description=f"run {run_id}",
                result_ttl=0,
                failure_ttl=86400,
            )
    except (RedisError, OSError) as error:
        log.warning("could not reach the queue (%s); run %s starts when it is back", type(error).__name__, run_id)
        return False
    heard = _heard.get()
    if heard is None:
        _note([run_id])
    else:
        heard.append(run_id)
    return True


@contextmanager
def noting_together() -> Iterator[None]:
    """Within it, the times of all bells are noted by a few statements at the end, not by one each."""
    heard: list[UUID] = []
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)
        for start in range(0, len(heard), ROWS):
            _note(heard[start : start + ROWS])


def _note(run_ids: Sequence[UUID]) -> None:
    SyncRun.objects.filter(pk__in=run_ids).update(rung_at=clock.now())
