"""One migrated file of SQLite for a whole test run: to migrate takes as long as a hundred tests, for each process anew.

Whichever process needs it first makes it, and every process works on a copy of its own.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


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


def migrate(file: Path) -> None:
    connection.settings_dict["TEST"]["NAME"] = str(file)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    # The last connection to a file leaves all in that file.
    connection.close()
