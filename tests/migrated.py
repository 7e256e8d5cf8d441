"""One migrated database for a whole test run: to migrate takes as long as a hundred tests, for each process anew.

Whichever process needs it first makes it, and every process works on a copy of its own.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.postgresql import PREFIX

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
TEMPLATE = "migrated"


def can_be_copied() -> bool:
    """A file; or on the run's own PostgreSQL, with which the migrated database goes."""
    return connection.vendor == "sqlite" or PREFIX in os.environ.get("DATABASE_URL", "")


def folder_of_run(factory: pytest.TempPathFactory) -> Path:
    """What the processes of one run share, and no other run."""
    own = factory.getbasetemp()
    return own.parent if WORKER else own


def once(folder: Path, name: str, make: Callable[[], object]) -> None:
    """Makes it unless another process has; waits for one that is about to."""
    with (folder / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made := folder / f"{name}.made").exists():
            make()
            made.touch()


@contextmanager
def copied_database(folder: Path) -> Iterator[Path]:
    """This process works on a copy meanwhile, of the file that is given."""
    original, before = folder / "migrated.sqlite3", connection.settings_dict["NAME"]
    once(folder, original.name, lambda: migrate(original))

    copy = folder / f"tests-{WORKER or 'alone'}.sqlite3"
    connection.settings_dict["NAME"] = str(shutil.copy(original, copy))
    yield original
    connection.creation.destroy_test_db(before, verbosity=0)


@contextmanager
def copied_on_server(folder: Path) -> Iterator[None]:
    """The same on PostgreSQL, by a template."""
    creation: Any = connection.creation
    own, before = creation._get_test_db_name(), connection.settings_dict["NAME"]
    once(folder, TEMPLATE, lambda: migrate(TEMPLATE))
    connection.settings_dict["TEST"].update(NAME=own, TEMPLATE=TEMPLATE)
    connection.settings_dict["NAME"] = creation._create_test_db(verbosity=0, autoclobber=True)
    yield
    copy, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], before
    connection.close()
    # With force, as a program that a test has started may end a moment after it.
    with creation._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {connection.ops.quote_name(copy)} WITH (FORCE)")


def migrate(name: Path | str) -> None:
    connection.settings_dict["TEST"]["NAME"] = str(name)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    # The last connection to a file leaves all in that file, and a database that somebody uses is no template.
    connection.close()
