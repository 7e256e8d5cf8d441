"""`manage.py backup`: a consistent copy of the SQLite database, also while DevinSync runs."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection


class Command(BaseCommand):
    help = (
        "Copies the SQLite database as it is at one moment into a new file, also while DevinSync runs: a copy of the "
        "file alone would lack what was written last. Keep DATA_DIR/secrets.env as well, in another place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="A file that is not there yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        target = options["file"].absolute()
        if connection.vendor != "sqlite":
            raise CommandError('This database is PostgreSQL\'s. Copy it with: pg_dump --format=custom "$DATABASE_URL"')
        if target.exists():
            raise CommandError(f"{target} is there already. Nothing was copied; name another file, or move that one.")
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}. Make it, or name another.")
        size = copy(Path(str(connection.settings_dict["NAME"])), target)
        self.stdout.write(
            f"Copied the database to {target} ({size / 1_000_000:.1f} MB). Keep DATA_DIR/secrets.env in another place: "
            "without its encryption keys nobody can read the secrets in this copy."
        )


def copy(source: Path, target: Path) -> int:
    """The size of the copy, which is there whole or not at all, for this user alone. Raises CommandError."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _write(source, part)
        # Not by renaming, which would replace a file that has come meanwhile.
        os.link(part, target)
        return target.stat().st_size
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"The database could not be copied to {target}: {_reason(error)}.") from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _write(source: Path, target: Path) -> None:
    """One read transaction, which waits for no writer and keeps none waiting, and a look at what was written."""
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.execute("VACUUM INTO ?", [str(target)])
    with closing(sqlite3.connect(target)) as made:
        if made.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the copy is damaged, so the database may be as well")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _reason(error: Exception) -> str:
    return (error.strerror or "it failed") if isinstance(error, OSError) else str(error)
