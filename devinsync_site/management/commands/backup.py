"""`manage.py backup FILE`: the whole database in one file, also while DevinSync runs. `--check` looks at one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from devinsync_site.backups.dump import back_up
from devinsync_site.backups.file import BackupError, Reader
from devinsync_site.backups.load import require_keys


class Command(BaseCommand):
    help = (
        "Writes the database as it is at one moment into a new file, also while DevinSync runs, from which "
        "`manage.py restore` makes one again, on SQLite or PostgreSQL. Values and credentials in it are sealed, and "
        "the keys are not in it: keep DATA_DIR/secrets.env as well, in another place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="A file that is not there yet.")
        parser.add_argument(
            "--check",
            action="store_true",
            help="Write nothing: say whether FILE is a whole backup, and whether ENCRYPTION_KEYS has its keys.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"].absolute()
        try:
            self.check_file(file) if options["check"] else self.make(file)
        except BackupError as error:
            raise CommandError(str(error)) from None

    def make(self, target: Path) -> None:
        if target.exists():
            raise CommandError(f"{target} is there already. Nothing was written; name another file, or move that one.")
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}. Make it, or name another.")
        rows = back_up(target)
        self.stdout.write(
            f"Wrote {described(rows)} to {target} ({target.stat().st_size / 1_000_000:.1f} MB). Keep "
            "DATA_DIR/secrets.env in another place: without its encryption keys nobody can read the secrets in it."
        )

    def check_file(self, file: Path) -> None:
        reader = Reader(file)
        rows, header = reader.check(), reader.header()
        self.stdout.write(f"{file} is whole: {described(rows)}, of {header.made_at}, DevinSync {header.devinsync}.")
        require_keys(header)
        self.stdout.write("ENCRYPTION_KEYS has every key that it is sealed with.")


def described(rows: dict[str, int]) -> str:
    return f"{sum(rows.values()):,} rows of {len(rows)} tables"
