"""A worker in a process of its own that is killed with SIGKILL at the n-th boundary.

A boundary is the moment before and after each SQL statement and each COMMIT of the thread that owns the run, and before
and after each request leaves and is answered. They are counted, not listed: run once to learn how many there are, then
once for each.
"""

import mmap
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, Self

from django.db import connection, connections

from connections.http import Answer, Transport
from syncs.engine.renewal import THREAD as RENEWING
from tests.patience import PATIENCE, wait_until


class CarriedOut(Protocol):
    """What a worker is to do."""

    def carry_out(self) -> None: ...


class Boundaries:
    """Counts; at number `at`, the process is gone."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.count = 0
        self._lock = threading.Lock()

    def pass_one(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From now on, for this process and this thread's database connection."""
        connection.ensure_connection()
        connection.execute_wrappers.append(self._statement)
        commit = connection._commit  # type: ignore[attr-defined]
        connection._commit = self._around(commit)  # type: ignore[attr-defined]
        send = Transport.send
        boundaries = self

        def counted(self: Transport, *args: Any, **kwargs: Any) -> Answer:
            boundaries.pass_one()
            try:
                return send(self, *args, **kwargs)
            finally:
                boundaries.pass_one()

        Transport.send = counted  # type: ignore[method-assign]

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.pass_one()
        try:
            return execute(sql, params, many, context)
        finally:
            self.pass_one()

    def _around(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def around() -> Any:
            self.pass_one()
            try:
                return call()
            finally:
                self.pass_one()

        return around


class Slept:
    """How long a worker has been stopped, as its clock tells it. Shared with it, so that nobody has to wait so long."""

    def __init__(self) -> None:
        self._seconds = mmap.mmap(-1, struct.calcsize("d"))

    def add(self, more: timedelta) -> None:
        struct.pack_into("d", self._seconds, 0, self.seconds + more.total_seconds())

    @property
    def seconds(self) -> float:
        return float(struct.unpack_from("d", self._seconds)[0])

    def show(self) -> None:
        """From now on, to this process."""
        monotonic = time.monotonic
        time.monotonic = lambda: monotonic() + self.seconds


@dataclass
class ForkedWorker:
    """A worker process that carries out a scene's run; `wait` for it."""

    pid: int
    pipe: int
    slept: "Slept"

    @classmethod
    def start(cls, scene: CarriedOut, *, kill_at: int | None = None) -> Self:
        let_go_of_the_database()
        read_end, write_end = os.pipe()
        slept = Slept()
        pid = os.fork()
        if pid == 0:
            slept.show()
            _be_worker(scene, kill_at, write_end)
        os.close(write_end)
        return cls(pid, read_end, slept)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int | None:
        """The number of boundaries it passed, or None if it was killed."""
        with os.fdopen(self.pipe) as pipe:
            told = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        return _boundaries_passed(told, status)


def let_go_of_the_database() -> None:
    """As a worker has when it forks. A fork takes over what SQLite knows of this process's connections, but none of
    their locks: with one that another thread has in use, both would write as if they were alone."""
    wait_until(lambda: not any(thread.name == RENEWING for thread in threading.enumerate()))
    connections.close_all()


def in_a_worker(scene: CarriedOut, *, kill_at: int | None = None) -> int | None:
    return ForkedWorker.start(scene, kill_at=kill_at).wait()


def _boundaries_passed(told: str, status: int) -> int | None:
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise AssertionError(f"The worker ended by signal {os.WTERMSIG(status)}.")
        return None
    if not told:
        raise AssertionError("The worker ended without a word.")
    return int(told)


def _be_worker(scene: CarriedOut, kill_at: int | None, write_end: int) -> None:
    """Never returns."""
    code = 1
    try:
        signal.alarm(int(PATIENCE))
        boundaries = Boundaries(kill_at)
        boundaries.watch()
        scene.carry_out()
        os.write(write_end, str(boundaries.count).encode())
        code = 0
    except BaseException as error:  # the parent reads it; a fork of pytest must not go on as pytest
        print(f"the worker raised {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)
