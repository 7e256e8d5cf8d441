"""`manage.py restore FILE`: an empty database becomes what a backup holds."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from common.database_faults import describe
from devinsync_site.backups.file import BackupError, Reader
from devinsync_site.backups.load import restore
from devinsync_site.management.commands.backup import described

PAUSED = (
    "All syncs are paused. Start DevinSync, look at what the syncs would do (`manage.py plan`), and resume them on the "
    "overview. Syncs that have written since the backup was made are blocked then, until a person trusts this database "
    "(`manage.py trust_database`). The channels of notifications are disabled: enable them when people are to be told "
    "again. Where the old installation still runs, stop it first: both would write as one."
)


class Command(BaseCommand):
    help = (
        "Makes an empty database (DATABASE_URL, or SQLite in DATA_DIR) what FILE holds, migrated to this version, with "
        "all syncs paused until a person resumes them. Nothing is changed where a database is in use already."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="Made by `manage.py backup`.")
        parser.add_argument(
            "--not-paused",
            action="store_true",
            help="Leave the pause as it was. Only for the newest backup of an installation that has stopped.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A database of SQLite's is made for this user alone.
        os.umask(0o077)
        try:
            rows = restore(Reader(options["file"].absolute()), pauses=not options["not_paused"])
        except BackupError as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"{describe(error)} Nothing was restored.") from None
        self.stdout.write(f"Restored {described(rows)}.")
        if not options["not_paused"]:
            self.stdout.write(PAUSED)
