"""`manage.py move_database`: everything into another, empty database, as from SQLite to PostgreSQL."""

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from common.environment import env
from devinsync_site.backups.dump import back_up
from devinsync_site.backups.file import BackupError
from devinsync_site.management.commands.backup import described
from syncs.models import SyncControl

TARGET = "NEW_DATABASE_URL"
# The scheduler notes several times a minute that it lives.
SILENT_AFTER = timedelta(minutes=1)


class Command(BaseCommand):
    help = (
        f"Copies everything into the empty database that the variable {TARGET} names, migrates it there, and pauses "
        "all syncs here, so that this one is not used by mistake. Stop every process of DevinSync before. It is a "
        "variable and no argument because others on this machine could read the password in an argument."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stopped", action="store_true", help="Every process has stopped: do not wait a minute to see it."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = env.str(TARGET, default="").strip()
        if not target:
            raise CommandError(
                f"Set {TARGET} to the address of the empty database: postgresql://user:password@host/name"
            )
        if not options["stopped"]:
            require_stopped()
        with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="move-") as folder:
            file = Path(folder, "backup")
            try:
                rows = back_up(file)
            except BackupError as error:
                raise CommandError(str(error)) from None
            restore_elsewhere(file, target)
        SyncControl.objects.filter(pk=1).update(is_paused=True)
        self.stdout.write(
            f"Moved {described(rows)}. Now set DATABASE_URL to the address that {TARGET} holds, and start DevinSync. "
            "In the database of before all syncs are paused; keep it until you have seen the new one work."
        )


def require_stopped() -> None:
    seen = SyncControl.objects.values_list("scheduler_seen_at", flat=True).first()
    if seen and seen > timezone.now() - SILENT_AFTER:
        raise CommandError(
            "DevinSync's scheduler was at work less than a minute ago, and what is written while the database moves "
            "would be lost. Stop every process; then run this again in a minute, or at once with --stopped."
        )


def restore_elsewhere(file: Path, target: str) -> None:
    """In a process of its own, whose database that one is."""
    environment = os.environ | {"DATABASE_URL": target}
    for name in (TARGET, f"{TARGET}_FILE", "DATABASE_URL_FILE"):
        environment.pop(name, None)
    command = (sys.executable, "-m", "django", "restore", str(file), "--not-paused")
    done = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandError(f"The new database was not filled. {reason_in(done.stderr)} Nothing has changed here.")


def reason_in(told: str) -> str:
    """A command's own words are its last line; a traceback is of an address that can't be used, and may hold it."""
    last = (told.strip().splitlines() or [""])[-1]
    if last.startswith("CommandError: "):
        return last.removeprefix("CommandError: ")
    return f"See whether {TARGET} is the address of a PostgreSQL or SQLite database."
