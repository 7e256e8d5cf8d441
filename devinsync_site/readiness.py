"""Whether the site can do its work, and what is wrong if not, for `/readyz`: by real writes that change nothing."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import django_rq
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from common.database_faults import describe
from encryption.checks import unknown_key_ids

SECONDS_TO_WRITE = 5.0
LEAST_ROOM = 16 * 1024 * 1024
PROBE = "devinsync:readyz"


class Rollback(Exception):
    """Ends a transaction that must change nothing."""


def problems() -> dict[str, str]:
    """By part - database, queue, keys - what is wrong with it, in words that hold no address and no key."""
    found = {"database": _database(), "queue": _queue()}
    if not found["database"]:
        found["keys"] = _keys()
    return {part: problem for part, problem in found.items() if problem}


def _database() -> str:
    try:
        _write_to_sqlite() if connection.vendor == "sqlite" else _write_to_server()
    except (DatabaseError, InterfaceError) as error:
        connection.close_if_unusable_or_obsolete()
        return describe(error)
    return ""


def _write_to_server() -> None:
    try:
        with transaction.atomic():
            _write(connection.cursor().execute)
            raise Rollback
    except Rollback:
        return


def _write_to_sqlite() -> None:
    """By a connection of its own, with less patience than others: a probe waits for nobody's turn."""
    name = str(connection.settings_dict["NAME"])
    if "memory" in name:
        return _write_to_server()
    room = os.statvfs(Path(name).parent) if Path(name).parent.is_dir() else None
    if room is not None and room.f_bavail * room.f_frsize < LEAST_ROOM:
        raise OperationalError("database or disk is full")
    try:
        file = sqlite3.connect(f"{Path(name).absolute().as_uri()}?mode=rw", uri=True, timeout=SECONDS_TO_WRITE)
        file.isolation_level = None
        try:
            file.execute("BEGIN IMMEDIATE")
            _write(file.execute)
            file.execute("ROLLBACK")
        finally:
            file.close()
    except sqlite3.Error as error:
        raise OperationalError(str(error)) from error
    return None


def _write(execute: Callable[[str], object]) -> None:
    execute("UPDATE syncs_synccontrol SET is_paused = is_paused")


def _queue() -> str:
    try:
        django_rq.get_connection("default").set(PROBE, "1", ex=60)
    except OutOfMemoryError:
        return "The queue's memory is full. Give Valkey more (maxmemory)."
    except ReadOnlyError:
        return "The queue's server only reads. Let REDIS_URL name the one that writes."
    except (RedisError, OSError):
        return "The queue is not there. See whether Valkey runs and REDIS_URL is right."
    return ""


def _keys() -> str:
    try:
        unknown = unknown_key_ids()
    except (DatabaseError, InterfaceError):
        return ""
    if not unknown:
        return ""
    names = ", ".join(sorted(unknown))
    return f"Data is sealed with encryption key {names}, which ENCRYPTION_KEYS lacks. Put it in again."
