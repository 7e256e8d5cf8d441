"""The product's own programs, as processes on a test's database and queue."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.db import connection as database

ROOT = Path(__file__).resolve().parents[3]
# A management command, started in a session of its own.
Start = Callable[[str], "subprocess.Popen[bytes]"]


def start_program(command: str, *, log: Path, **variables: str) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url()} | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def database_url() -> str:
    settings = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return f"postgresql://postgres:@/{settings['NAME']}?host={settings['HOST'] or settings['OPTIONS']['host']}"
