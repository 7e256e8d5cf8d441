"""`manage.py apply`: makes syncs and connections as a YAML document says."""

import sys
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from connections.models import Connection
from syncs.editing import Actor
from syncs.editing.declaration import BadDeclaration, Difference, carry_out, compare


class Command(BaseCommand):
    help = (
        "Makes syncs and connections as a document says, all or none; what it does not name is left alone. "
        "A sync that changes and has auto-sync on runs."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE", help="A YAML document as `export` prints it; - for standard input.")
        parser.add_argument("--dry-run", action="store_true", help="Print the difference and change nothing.")
        parser.add_argument("--actor", metavar="USERNAME", help="Who is noted down for the changes; must be a user.")
        parser.add_argument(
            "--remove-secrets",
            action="store_true",
            help="Remove what a sync wrote to an organization that it leaves. Otherwise that stays and is forgotten.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        document, actor = read(options["file"]), find_actor(options["actor"])
        try:
            with transaction.atomic():
                differences = compare(document)
                for difference in [] if options["dry_run"] else differences:
                    carry_out(difference, by=actor, removes_old=options["remove_secrets"])
        except BadDeclaration as error:
            raise CommandError(str(error)) from None
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


def find_actor(username: str | None) -> Actor:
    if not username:
        return Actor.on_command_line()
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {username}. Name one, or leave --actor out.")
    return Actor.on_command_line(user)


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
