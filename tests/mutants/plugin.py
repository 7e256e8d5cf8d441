"""A pytest plugin: each fork has a database of its own, and each test forgets what was remembered before it.

A fork that was ended half-way leaves rows behind, and two at once would meet in one file.
"""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

TEMPLATE = "MUTANTS_DATABASE"


@pytest.fixture(scope="session")
def django_db_setup() -> Iterator[None]:
    """Instead of pytest-django's own, which would migrate again for every change."""
    template = Path(os.environ[TEMPLATE])
    own = template.with_name(f"{os.getpid()}.sqlite3")
    shutil.copy(template, own)
    connection.close()
    connection.settings_dict["NAME"] = str(own)
    yield
    connection.close()
    own.unlink()


def pytest_sessionstart() -> None:
    # What was loaded before the fork is no garbage; looking through it takes longer than most tests.
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Before each test, so that it is known of each that it reaches a function whose result was remembered."""
    changed = [module for module in list(sys.modules.values()) if hasattr(module, "_mutmut_mutated")]
    for member in (member for module in changed for member in vars(module).values()):
        if hasattr(member, "cache_clear"):
            member.cache_clear()
