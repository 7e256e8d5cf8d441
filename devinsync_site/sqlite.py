"""What Django assumes of SQLite and this SQLite does better, and turns for those who write to it."""

import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Beyond this a statement gets no faster, only its text longer.
MOST_PARAMETERS = 32_000
# Seconds between two looks whether another process has ended its transaction.
LOOK_EVERY = 0.001
# How the statements begin that lock the database by themselves where no transaction does.
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def on_connection(*, connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        use_real_limit(connection)
        take_turns(connection)


def use_real_limit(connection: Any) -> None:
    """Django splits bulk statements by the 999 parameters of SQLite before 3.32; later ones take 32,766 and more."""
    limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    connection.features.max_query_params = min(limit, MOST_PARAMETERS)


class Turns:
    """Whose turn it is to write: within this process in the order of asking, among processes by a lock on a file.

    SQLite itself lets writers look again after up to a tenth of a second, and those that came last look most often:
    with a few dozen a second, some wait for many seconds while the database is idle. A process that ends gives up its
    turn; one that keeps it for half of SQLite's time-out is not waited for, and then SQLite's answer counts.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False
        self._file: int | None = None
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A fork has none of its parent's threads; the parent's turn stays the parent's."""
        self._lock = threading.Lock()
        self._waiting.clear()
        self._is_taken = False
        if self._file is not None:
            # It is the parent's: what we unlock by it, the parent loses.
            os.close(self._file)
            self._file = None

    def take(self) -> None:
        deadline = time.monotonic() + self._patience
        self._take_within_process(deadline)
        try:
            self._take_file(deadline)
        except BaseException:
            self._pass_on()
            raise

    def give(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._pass_on()

    def _take_within_process(self, deadline: float) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(max(0.0, deadline - time.monotonic())):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise sqlite3.OperationalError("database is locked")

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False

    def _open(self) -> int | None:
        """None where no file can be made: SQLite has its own say about such a folder."""
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None

    def _take_file(self, deadline: float) -> None:
        if self._file is None:
            self._file = self._open()
        if self._file is None:
            return
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return
            time.sleep(LOOK_EVERY)


class Turn:
    """One connection's: taken once, however often it is asked for."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_mine = False

    def be_among(self, turns: Turns) -> None:
        """Those of the file that it writes to from now on."""
        if turns is not self._turns:
            self.give()
            self._turns = turns

    def take(self) -> None:
        if not self._is_mine:
            self._turns.take()
            self._is_mine = True

    def give(self) -> None:
        if self._is_mine:
            self._is_mine = False
            self._turns.give()

    def taken_for_writes(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Around each statement: one that writes outside of a transaction is one by itself."""
        if self._is_mine or not sql.startswith(WRITES):
            return execute(sql, params, many, context)
        with context["connection"].wrap_database_errors:
            self.take()
        try:
            return execute(sql, params, many, context)
        finally:
            self.give()

    def given_after(self, call: Callable[[], None]) -> Callable[[], None]:
        def end() -> None:
            try:
                call()
            finally:
                self.give()

        return end


_turns: dict[str, Turns] = {}


def take_turns(connection: Any) -> None:
    """From now on each transaction of this connection waits for its turn, and gives it up at its end.

    So does each statement that writes outside of one, which else would find the file taken by others that take turns.
    """
    if (turns := _turns_of(connection)) is None:
        return
    # Django tells of each time that the same object connects, which may be to another file than the last time.
    if hasattr(connection, "turn"):
        connection.turn.be_among(turns)
        return
    connection.turn = turn = Turn(turns)
    begin, commit = connection._start_transaction_under_autocommit, connection._commit

    def begin_in_turn() -> None:
        turn.take()
        try:
            begin()
        except BaseException:
            turn.give()
            raise

    def commit_and_give() -> None:
        commit()  # one that fails is followed by a rollback
        turn.give()

    connection.execute_wrappers.append(turn.taken_for_writes)
    connection._start_transaction_under_autocommit = begin_in_turn
    connection._commit = commit_and_give
    connection._rollback = turn.given_after(connection._rollback)
    connection._close = turn.given_after(connection._close)


def _turns_of(connection: Any) -> Turns | None:
    """Those of its file; None of a database in memory."""
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        return None
    patience = float(connection.settings_dict["OPTIONS"].get("timeout", 5)) / 2
    # Not one too many: a fork remembers each for good.
    return _turns.get(name) or _turns.setdefault(name, Turns(Path(f"{name}-turns"), patience))
