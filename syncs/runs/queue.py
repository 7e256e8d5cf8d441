"""The doorbell: bells that wait to be heard, each a run's id and nothing else. Losing one loses no run; the scheduler
rings again.

Projects take turns, however many bells each has. A bell's turn is one after its project's last, or that of the bell
which is heard next, if that is later; so a project that rings for the first time comes before all but one of another's
thousand. Turns are counted in the queue and are lost with it, which costs an order.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import django_rq
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job

from common import clock
from syncs.models import SyncRun

log = logging.getLogger(__name__)

QUEUE = "default"
# Of one slot, should the queue be a cluster.
BELLS = "{devinsync}:bells"
TURNS = "{devinsync}:turns"
# Takes a bell and whose turn it uses.
RING = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not next[2] then redis.call('DEL', KEYS[2]) end
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)
local turn = math.max(tonumber(next[2] or 1), last + 1)
redis.call('HSET', KEYS[2], ARGV[2], turn)
return redis.call('ZADD', KEYS[1], turn, ARGV[1])
"""


class ForgedJob(Exception):
    """RQ's part of the queue held a job. DevinSync puts none there."""


class NoJob(Job):
    """Whoever can write to the queue's memory could otherwise have RQ's own worker run any function or callback."""

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    def _deserialize_data(self) -> None:
        raise ForgedJob("A job in the queue is none of DevinSync's; it was not carried out.")


_heard: ContextVar[list[UUID] | None] = ContextVar("heard", default=None)
ROWS = 500


def ring(run_id: UUID, project_id: UUID | None = None) -> bool:
    """Tells the workers of a run, unless its bell is waiting to be heard already, and notes when.

    It waits among the bells of that project; without one, for itself alone. False if the queue cannot be reached; the
    run is not lost, only later.
    """
    try:
        place_bell(django_rq.get_connection(QUEUE), run_id, project_id or run_id)
    except (RedisError, OSError) as error:
        log.warning("could not reach the queue (%s); run %s starts when it is back", type(error).__name__, run_id)
        return False
    heard = _heard.get()
    if heard is None:
        _note([run_id])
    else:
        heard.append(run_id)
    return True


def place_bell(connection: Redis, run_id: UUID, whose: UUID) -> None:
    connection.register_script(RING)(keys=[BELLS, TURNS], args=[str(run_id), str(whose)])


def count_bells(connection: Redis) -> int:
    return int(connection.zcard(BELLS))


@contextmanager
def noting_nothing() -> Iterator[None]:
    """For bells that a worker hears within a moment. The scheduler rings for what still waits then, and notes that: so
    neither a change nor a run's end writes once more, after its own transaction, for a time that nobody asks for.
    """
    token = _heard.set([])
    try:
        yield
    finally:
        _heard.reset(token)


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
