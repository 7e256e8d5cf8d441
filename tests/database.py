"""Chooses the database of a test run before pytest-django reads the settings.

SQLite by default; `TEST_DATABASE=postgresql` starts a PostgreSQL server of the suite's own on a Unix socket and stops
it at the end. Loaded by `-p` (see pyproject.toml), because a conftest would come too late. A DATABASE_URL that is given
is used as it is.
"""

import atexit
import os

from tests.postgresql import PostgreSQL


def start_postgresql() -> str:
    """Returns the server's DATABASE_URL; it ends with this process."""
    server = PostgreSQL.create()
    server.start()
    atexit.register(remove, server, os.getpid())
    return server.url


def remove(server: PostgreSQL, started_by: int) -> None:
    if os.getpid() == started_by:  # and not a fork that some test made
        server.remove()


if os.environ.get("TEST_DATABASE") == "postgresql" and "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = start_postgresql()
