"""`manage.py apply`: makes connections, syncs and sync sets as a YAML document says."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from connections.models import Connection
from syncs.editing import Actor
from syncs.editing.comparison import compare
from syncs.editing.declaration import Comparison, Difference, apply
from syncs.editing.document import BadDeclaration, read_document
from syncs.editing.foreseen import Outlook, outlooks
from syncs.management import answers
from syncs.management.plans import lines_of_outlook, outlook_as_json

Beside = tuple[Difference, Outlook | None]


class Command(BaseCommand):
    help = (
        "Makes connections, syncs and sync sets as a document says, all or none; what it does not name is left alone, "
        "unless --prune says otherwise. A sync that changes and has auto-sync on runs."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE", help="A YAML document as `export` prints it; - for standard input.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Print the difference and each sync's plan; change nothing."
        )
        parser.add_argument("--actor", metavar="USERNAME", help="Who is noted down for the changes; must be a user.")
        parser.add_argument("--prune", action="store_true", help="Delete what the document does not name. Asks first.")
        parser.add_argument("--yes", action="store_true", help="With --prune: do not ask.")
        parser.add_argument(
            "--remove-secrets",
            action="store_true",
            help="Remove what a sync wrote to an organization that it leaves, or wrote at all if it goes.",
        )
        answers.add_arguments(parser, exit_code=True)

    def handle(self, *args: Any, **options: Any) -> None:
        actor = find_actor(options["actor"])
        try:
            wishes = {"prunes": options["prune"], "removes_secrets": options["remove_secrets"]}
            comparison = compare(read(options["file"]), keys=os.environ, **wishes)
            foreseen: list[Beside] = [(each, None) for each in comparison.differences]
            if options["dry_run"]:
                foreseen = list(outlooks(comparison, removes_secrets=options["remove_secrets"]))
            if not options["json"]:
                self.tell(comparison, foreseen)
            if not options["dry_run"]:
                self.confirm(comparison, options)
                apply(comparison, by=actor, removes_secrets=options["remove_secrets"])
        except BadDeclaration as error:
            self.refuse(error, options)
        self.report(comparison, options, foreseen)
        answers.end(options, is_different=bool(comparison.differences))

    def tell(self, comparison: Comparison, foreseen: Sequence[Beside]) -> None:
        for warning in comparison.warnings:
            self.stderr.write(f"Note: {warning}")
        for difference, outlook in foreseen:
            for line in difference.lines():
                self.stdout.write(line)
            for line in lines_of_outlook(outlook) if outlook is not None else ():
                self.stdout.write(f"    {line}")

    def confirm(self, comparison: Comparison, options: dict[str, Any]) -> None:
        """Nothing is deleted that a person has not seen, or a script has not been told to delete."""
        count = len(comparison.deletions)
        if not count or options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{count} would be deleted, see above. Nothing was changed. To delete them, add --yes.")
        if input(f"Delete {count}, as shown above? Type yes: ") != "yes":
            raise CommandError("Nothing was changed.")

    def refuse(self, error: BadDeclaration, options: dict[str, Any]) -> None:
        if not options["json"]:
            raise CommandError(str(error)) from None
        answers.print_json(self, {"faults": [{"line": each.line, "message": each.message} for each in error.faults]})
        raise SystemExit(answers.FAILED)

    def report(self, comparison: Comparison, options: dict[str, Any], foreseen: Sequence[Beside]) -> None:
        if options["json"]:
            answers.print_json(self, as_json(comparison, foreseen, is_applied=not options["dry_run"]))
            return
        if not comparison.differences:
            self.stdout.write("Nothing to change.")
        elif options["dry_run"]:
            self.stdout.write("Nothing was changed: this was a dry run.")
        for difference in comparison.differences:
            row, key = difference.row, difference.api_key
            if isinstance(row, Connection) and row.pk and not row.sealed_credentials and key is None:
                self.stdout.write(f"The connection {difference.name} has no API key yet. Enter it in the admin.")


def as_json(comparison: Comparison, foreseen: Sequence[Beside], *, is_applied: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "differences": [difference.as_json() for difference in comparison.differences],
        "warnings": [{"line": warning.line, "message": warning.message} for warning in comparison.warnings],
        "applied": is_applied,
    }
    if is_applied:
        return answer
    plans = [outlook_as_json(each.name, outlook) for each, outlook in foreseen if outlook is not None]
    return answer | {"plans": plans}


def find_actor(username: str | None) -> Actor:
    if not username:
        return Actor.on_command_line()
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {username}. Name one, or leave --actor out.")
    return Actor.on_command_line(user)


def read(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Could not read {name}: {type(error).__name__}.") from None
    return read_document(text)
