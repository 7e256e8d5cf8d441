"""Faults of the database itself, told from faults of a request: in words for people, without what the driver says.

What a driver says may hold the server's address, a path or a row.
"""

import sqlite3

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError

# Seconds after which it is worth another try.
TRY_AGAIN = 5

# What SQLite says, and the states of PostgreSQL (appendix A of its manual).
OF_SQLITE = {
    "readonly database": "The database is read-only. Let the site's user write to its file and folder.",
    "disk is full": "The disk of the database is full. Make room on it.",
    "database is locked": "The database is locked by another program, or has more to write than it can.",
    "unable to open": "The database's file cannot be opened. See whether it and its folder are there.",
    "disk I/O error": "The disk of the database fails.",
    "malformed": "The database's file is damaged. Restore a copy.",
    "no such table": "The database is not prepared. Run manage.py prepare.",
}
OF_POSTGRESQL = {
    "25006": "The database is read-only.",
    "53100": "The disk of the database is full. Make room on it.",
    "53300": "The database has no connection left. Allow more, or start fewer processes.",
    "55P03": "What is to be changed is locked by another program.",
    "57P01": "The database was shut down.",
    "57P03": "The database is starting up.",
    "42P01": "The database is not prepared. Run manage.py prepare.",
    "3D000": "There is no database of that name on the server.",
    "28P01": "The database does not accept the password.",
}
# Who is not let in is told no state, only words (src/backend/postmaster and src/backend/utils/init of its source).
AT_THE_DOOR = {
    "too many clients already": OF_POSTGRESQL["53300"],
    "connection slots are reserved": OF_POSTGRESQL["53300"],
    "too many connections for": OF_POSTGRESQL["53300"],
    "starting up": OF_POSTGRESQL["57P03"],
    "not yet accepting connections": OF_POSTGRESQL["57P03"],
    "shutting down": OF_POSTGRESQL["57P01"],
    "password authentication failed": OF_POSTGRESQL["28P01"],
    "couldn't get a connection after": "All connections of this process are taken. Raise DATABASE_POOL, or wait.",
}
FAILED = "The database could not do it. The server's log tells more."
ABSENT = "The database is not there. See whether its server runs and can be reached."


def is_database_fault(error: BaseException) -> bool:
    """Whether the database could not do what it was asked for, whatever it was: the same request may work later."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return only_reads(error)


def only_reads(error: BaseException) -> bool:
    """Whether the server does not write, as a standby does: that is none of Django's operational errors."""
    return isinstance(error, InternalError) and _state(error) == "25006"


def describe(error: DatabaseError | InterfaceError) -> str:
    """What is wrong and what to do about it, in one or two sentences."""
    if found := OF_POSTGRESQL.get(_state(error)):
        return found
    text = str(error)
    unknown = FAILED if isinstance(error.__cause__, sqlite3.Error) or _state(error) else ABSENT
    return next((words for part, words in (OF_SQLITE | AT_THE_DOOR).items() if part in text), unknown)


def _state(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
