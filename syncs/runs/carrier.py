"""The process that carries runs out: many at once, a thread each, because they wait for Devin nearly all the time.

What one run may do to the others is bounded. A bug ends its own thread's work. A run that hangs loses its lease after
the longest time that a run may take, and the process ends once the others have; so it does when it has grown too large.
The process that started this one (`syncs.runs.foreman`) then starts another.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from redis.exceptions import RedisError

from common.life_sign import LifeSign
from common.places import places
from common.processes import memory_in_use
from syncs.runs import jobs
from syncs.runs.bells import Bells

log = logging.getLogger(__name__)

# How long a process waits at most for a bell before it looks around.
LISTEN = 1.0
QUEUE_AWAY = 1.0
# So many seconds beyond the longest run, a thread that has not ended will not end.
HUNG = 60.0


@dataclass
class Carrier:
    """`carry_out` takes a run's id; what it raises has been logged."""

    bells: Bells
    runs_at_once: int = field(default_factory=lambda: settings.WORKER_RUNS)
    carry_out: Callable[[str], None] = jobs.run_sync
    is_stopping: bool = False
    _free: threading.Semaphore = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)
    _under_way: dict[UUID, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _life_sign: LifeSign = field(default_factory=lambda: LifeSign("worker"))

    def __post_init__(self) -> None:
        self._free = threading.Semaphore(self.runs_at_once)
        # The same threads again and again: each has a connection to the database.
        self._threads = ThreadPoolExecutor(self.runs_at_once, thread_name_prefix="run")

    def work(self, *, burst: bool = False) -> None:
        """Until told to stop, or, with `burst`, until no bell is left and every run has ended."""
        # What is loaded now stays: nobody need look through it for garbage.
        gc.freeze()
        while not self.is_stopping and not self._must_start_anew():
            self._life_sign.give()
            if not self._free.acquire(timeout=LISTEN):
                self.bells.show_alive()
                continue
            run_id = self._next_bell(wait=not burst)
            if run_id is not None:
                self._start(run_id)
                continue
            self._free.release()
            if burst and not self._wait_for_one():
                break
        self._wait_for_all()
        self.bells.show_gone()

    def stop(self, *_: object) -> None:
        """Takes up no more runs; those under way end. A signal handler too."""
        self.is_stopping = True

    def _next_bell(self, *, wait: bool) -> UUID | None:
        try:
            self.bells.show_alive()
            return self.bells.next(LISTEN if wait else 0)
        except (RedisError, OSError) as error:
            log.warning("could not reach the queue (%s)", type(error).__name__)
            time.sleep(QUEUE_AWAY)
            return None

    def _start(self, run_id: UUID) -> None:
        with self._lock:
            is_fresh = run_id not in self._under_way
            if is_fresh:
                self._under_way[run_id] = time.monotonic()
        if is_fresh:
            self._threads.submit(self._carry, run_id)
        else:
            self._free.release()

    def _carry(self, run_id: UUID) -> None:
        try:
            self.carry_out(str(run_id))
        except jobs.InternalError:
            pass  # logged where it was known what it was
        except Exception as error:
            log.error("run %s was left by %s at %s", run_id, type(error).__name__, places(error))
        finally:
            close_old_connections()
            with self._lock:
                self._under_way.pop(run_id, None)
            self._free.release()

    def _must_start_anew(self) -> bool:
        if memory_in_use() > settings.WORKER_MEMORY_MB * 1024 * 1024:
            log.warning("the worker has grown beyond %s MB; it starts anew", settings.WORKER_MEMORY_MB)
            return True
        if self._hung():
            log.error("a run hangs; the worker starts anew")
            return True
        return False

    def _hung(self) -> set[UUID]:
        longest = settings.SYNC_LONGEST_RUN.total_seconds() + HUNG
        with self._lock:
            return {run_id for run_id, since in self._under_way.items() if time.monotonic() - since > longest}

    def _wait_for_one(self) -> bool:
        """False if nothing is under way."""
        with self._lock:
            if not self._under_way:
                return False
        time.sleep(0.01)
        return True

    def _wait_for_all(self) -> None:
        """But for those that hang."""
        while True:
            with self._lock:
                waiting = set(self._under_way)
            if not waiting - self._hung():
                return
            self._life_sign.give()
            self.bells.show_alive()
            time.sleep(0.02)
