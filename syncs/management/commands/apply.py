"""`manage.py apply`: makes syncs and connections as a YAML document says."""

import sys
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from connections.models import Connection
from syncs.editing.declaration import BadDeclaration, Difference, compare
from syncs.models import DevinSync
from syncs.runs.triggers import after_edit


class Command(BaseCommand):
    help = (
        "Makes syncs and connections as a document says, all or none; what it does not name is left alone. "
        "A sync that changes and has auto-sync on runs."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE", help="A YAML document as `export` prints it; - for standard input.")
        parser.add_argument("--dry-run", action="store_true", help="Print the difference and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        document = read(options["file"])
        with transaction.atomic():
            try:
                differences = compare(document)
            except BadDeclaration as error:
                raise CommandError(str(error)) from None
            if not options["dry_run"]:
                for difference in differences:
                    save(difference)
        self.report(differences, is_dry_run=options["dry_run"])

    def report(self, differences: list[Difference], *, is_dry_run: bool) -> None:
        for difference in differences:
            for line in difference.lines():
                self.stdout.write(line)
        if not differences:
            self.stdout.write("Nothing to change.")
        elif is_dry_run:
            self.stdout.write("Nothing was changed: this was a dry run.")
        for difference in differences:
            if isinstance(difference.row, Connection) and not difference.row.sealed_credentials:
                self.stdout.write(f"The connection {difference.name} has no API key yet. Enter it in the admin.")


def read(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Could not read {name}: {type(error).__name__}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise CommandError(f"{name} is not valid YAML{place}.") from None


def save(difference: Difference) -> None:
    row = difference.row
    if not isinstance(row, DevinSync):
        row.save()
        return
    row.version += 0 if difference.is_new else 1
    row.save()
    after_edit(row, user=None)
