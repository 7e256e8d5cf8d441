"""Chooses the database of a test run before pytest-django reads the settings.

SQLite by default; `TEST_DATABASE=postgresql` starts a PostgreSQL server of the suite's own on a Unix socket and stops
it at the end. Loaded by `-p` (see pyproject.toml), because a conftest would come too late. A DATABASE_URL that is given
is used as it is.
"""

import atexit
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.postgresql import PostgreSQL

MARK = "postgresql"


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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where marked tests alone are wanted, files that do not name the mark: most of a process's time went to these."""
    if collection_path.suffix == ".py" and wants_marked_alone(config.option.markexpr):
        return MARK not in collection_path.read_text() or None
    return None


def wants_marked_alone(expression: str) -> bool:
    return MARK in expression.split(" and ") and " or " not in expression


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for file in {item.path for item in items if item.get_closest_marker(MARK)}:
        if MARK not in file.read_text():
            raise pytest.UsageError(
                f"{file} has tests marked {MARK} but does not name the mark, so it would be ignored."
            )
