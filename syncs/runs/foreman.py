"""The process that `manage.py worker` starts: it carries nothing out itself, so nothing that a run does can end it.

It keeps one carrier going (`syncs.runs.carrier`). When that dies in the middle of runs - killed, out of memory - the
foreman sees it, ends its leases at once and has each of its runs carried out by a process of its own, so that one that
kills whoever carries it kills nobody else's runs.
"""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from common import observing
from common.places import places
from common.processes import call_itself, die_with_parent, identity_of_child
from syncs.runs import jobs
from syncs.runs.aftermath import end_leases_of, ring_all
from syncs.runs.carrier import Carrier

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ALONE_AT_ONCE = 4
# A carrier that dies again and again right after its start is started with growing pauses.
HEALTHY_AFTER = 10.0
LONGEST_PAUSE = 30.0
LOOK_EVERY = 0.1


@dataclass
class Child:
    pid: int
    identity: str
    is_carrier: bool
    started_at: float = field(default_factory=time.monotonic)


@dataclass
class Foreman:
    """`make_carrier` is called in the carrier's process."""

    make_carrier: Callable[[], Carrier]
    burst: bool = False
    is_stopping: bool = False
    _children: dict[int, Child] = field(default_factory=dict)
    _to_carry_alone: deque[UUID] = field(default_factory=deque)
    # Processes that are gone, with leases that could not be ended yet.
    _unburied: list[str] = field(default_factory=list)
    _start_at: float = 0.0
    _failures: int = 0

    def work(self) -> int:
        """Until told to stop: the exit status."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        status = 0
        while True:
            self._look_after_the_dead()
            self._start_what_is_missing()
            if not self._children and (self.is_stopping or self._is_done()):
                ring_all(list(self._to_carry_alone))
                return status
            if ended := self._wait():
                status = self._note_end(*ended)

    def _is_done(self) -> bool:
        return self.burst and not self._to_carry_alone and not self._unburied and self._failures == 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Once: runs under way end. Twice: they are killed, and what they left is handed on."""
        was_told = self.is_stopping
        self.is_stopping = True
        for child in list(self._children.values()):
            _send(child.pid, signal.SIGKILL if was_told else signal.SIGTERM)

    # Starting

    def _start_what_is_missing(self) -> None:
        if self.is_stopping:
            return
        has_carrier = any(child.is_carrier for child in self._children.values())
        if not has_carrier and time.monotonic() >= self._start_at and not self._has_finished():
            self._fork(self._be_carrier, is_carrier=True)
        alone = sum(not child.is_carrier for child in self._children.values())
        while self._to_carry_alone and alone < ALONE_AT_ONCE:
            self._fork(partial(_carry_alone, self._to_carry_alone.popleft()), is_carrier=False)
            alone += 1

    def _be_carrier(self) -> None:
        call_itself("devinsync: carries runs")
        observing.start("worker")
        carrier = self.make_carrier()
        for number in SIGNALS:
            signal.signal(number, carrier.stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        carrier.work(burst=self.burst)

    def _has_finished(self) -> bool:
        return self.burst and self._start_at > 0.0 and self._failures == 0

    def _fork(self, be: Callable[[], None], *, is_carrier: bool) -> None:
        close_connections()
        # Signals wait until it is settled what they mean to which process.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                _be_child(be)
            self._children[pid] = Child(pid, identity_of_child(pid), is_carrier)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    # Ends

    def _wait(self) -> tuple[Child, int] | None:
        """The next child that ends within a moment."""
        pid, status = os.waitpid(-1, os.WNOHANG) if self._children else (0, 0)
        if not pid:
            time.sleep(LOOK_EVERY)
            return None
        # As the first process of a container it inherits what others leave behind.
        child = self._children.pop(pid, None)
        return (child, os.waitstatus_to_exitcode(status)) if child else None

    def _note_end(self, child: Child, status: int) -> int:
        """What is to be done about it; the status that the foreman would end with."""
        if status != 0:
            log.warning("the process of %s ended with %s", "runs" if child.is_carrier else "a run", status)
        # However it ended: one that left no lease behind costs a query.
        self._unburied.append(child.identity)
        if child.is_carrier:
            is_healthy = status == 0 or time.monotonic() - child.started_at > HEALTHY_AFTER
            self._failures = 0 if is_healthy else self._failures + 1
            pause = 0.0 if self._failures <= 1 else min(LONGEST_PAUSE, 2.0 ** (self._failures - 2))
            self._start_at = time.monotonic() + pause
        return 0 if status == 0 or self.is_stopping else 1

    def _look_after_the_dead(self) -> None:
        while self._unburied:
            try:
                run_ids = end_leases_of(self._unburied[0])
            except (DatabaseError, InterfaceError) as error:
                log.warning("could not end the leases of a process that is gone (%s)", type(error).__name__)
                connections.close_all()
                return
            self._unburied.pop(0)
            self._to_carry_alone.extend(run_ids)


def close_connections() -> None:
    """A fork must open connections of its own, and a pool has threads, which do not come along."""
    connections.close_all()
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]


def _carry_alone(run_id: UUID) -> None:
    """Whoever stops the worker waits for the run, or kills it."""
    call_itself(f"devinsync: carries run {run_id} alone")
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    observing.start("worker")
    jobs.run_sync(str(run_id))


def _be_child(be: Callable[[], None]) -> None:
    """Never returns."""
    status = 1
    try:
        die_with_parent()
        be()
        status = 0
    except jobs.InternalError:
        status = 0
    except BaseException as error:
        log.error("a process of the worker ended by %s at %s", type(error).__name__, places(error))
    finally:
        observing.stop()
        logging.shutdown()
        os._exit(status)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
