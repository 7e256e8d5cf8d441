"""How many requests of runs one connection has under way at once: of all processes of this machine together.

Each run has a gate of its own, and a machine carries many runs of one connection at a time, each to another
organization. A request holds the lock on a file of its connection's, of which there are as many as it may have under
way. A process that is killed holds none any more; what one that is stopped holds is taken from it after a while.
"""

import fcntl
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete

# Seconds between two looks whether another process has ended one.
LOOK_EVERY = 0.005
# Seconds after which a request counts no more: longer than a write may take, unless its process is stopped.
LONGEST_HELD = 10.0

# Of each connection's threads in this process one at a time looks.
_lookers: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
os.register_at_fork(after_in_child=_lookers.clear)


class Slots:
    def __init__(self, folder: Path, count: int, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._folder, self._count, self._wait = folder, count, wait

    @classmethod
    def of(cls, connection_id: UUID, count: int) -> "Slots":
        return cls(_folder_of(connection_id), count)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Meanwhile one is held. Waits for it for as long as the requests of others take."""
        slot = self._take()
        try:
            yield
        finally:
            if slot is not None:
                os.ftruncate(slot, 0)
                # What was locked by it, is not any more.
                os.close(slot)

    def _take(self) -> int | None:
        """None where no file can be made: requests are sent nevertheless."""
        with _lookers[self._folder]:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                while (slot := self._first_free()) is None:
                    self._wait(LOOK_EVERY)
            except OSError:
                return None
            return slot

    def _first_free(self) -> int | None:
        for number in range(self._count):
            path = self._folder / str(number)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if _lock(file, path):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)
        return None


def _lock(file: int, path: Path) -> bool:
    """False where another has it, or has just put another file in its place."""
    with suppress(FileNotFoundError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _make_room(file, path)
            return False
        # Until it is held no more. By the clock that all processes of a machine share and nobody sets.
        os.pwrite(file, b"%020.3f" % time.monotonic(), 0)
        return _is_still(file, path)
    return False


def _make_room(file: int, path: Path) -> None:
    """Another file in the place of one that is held for too long; whoever holds that holds what is no slot any more."""
    since = float(os.pread(file, 20, 0) or time.monotonic())  # nothing: it is being taken right now
    if time.monotonic() - since > LONGEST_HELD and _is_still(file, path):
        path.unlink()


def _is_still(file: int, path: Path) -> bool:
    return os.fstat(file).st_ino == path.stat().st_ino


def connect() -> None:
    post_delete.connect(forget, sender="connections.Connection", dispatch_uid="connections.slots")


def forget(*, instance: Any, **_: Any) -> None:
    """Of a connection that is no more, once that is sure."""
    transaction.on_commit(partial(shutil.rmtree, _folder_of(instance.pk), ignore_errors=True))


def _folder_of(connection_id: UUID) -> Path:
    return Path(settings.DATA_DIR) / "slots" / str(connection_id)
