"""`manage.py plan`: what a run would do now, without doing it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.engine.changes import Create, Delete, HandOver, Rename, Replace
from syncs.engine.preview import Preview, preview
from syncs.errors import SyncError
from syncs.management import answers
from syncs.management.lookup import find_sync

SIGNS: dict[type, str] = {
    Create: "+ create",
    Replace: "~ replace",
    Rename: "~ rename to",
    HandOver: "> hand over",
    Delete: "- delete",
}


class Command(BaseCommand):
    help = "Shows what a run of a sync would do now: keys and reasons, never values. Nothing is written."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", help="A sync's name, PROJECT/NAME, or ID.")
        answers.add_arguments(parser, exit_code=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = preview(find_sync(options["sync"]), patience=None)
        except SyncError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            answers.print_json(self, as_json(found))
        else:
            self.report(found)
        plan = found.plan
        is_different = bool(plan.changes or plan.asked or plan.waiting or plan.held_back)
        answers.end(options, is_different=is_different, has_failed=bool(plan.refusals))

    def report(self, found: Preview) -> None:
        for change in found.plan.changes:
            self.stdout.write(f"{SIGNS[type(change)]} {change.destination_key}  ({change.reason})")
        for asked in found.plan.asked:
            self.stdout.write(f"? asks about {asked.destination_key}  ({asked.reason})")
        for waiting in found.plan.waiting:
            self.stdout.write(f"! cannot delete {waiting.destination_key}  ({waiting.reason})")
        for held in found.plan.held_back:
            self.stdout.write(f"! holds {held.destination_key}  ({held.reason}: {held.by.problem})")
        for refusal in found.plan.refusals:
            self.stdout.write(f"! cannot write {refusal.destination_key}  ({refusal.reason})")
        for warning in found.plan.warnings:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(str(found.plan))
        if found.blocked is not None:
            self.stdout.write(f"A run would be blocked. {found.blocked.message}")


def as_json(found: Preview) -> dict[str, Any]:
    """Keys and reasons, never values."""
    plan = found.plan
    words: list[tuple[str, Any]] = [(SIGNS[type(change)][2:], change) for change in plan.changes]
    words += [("ask", each) for each in plan.asked] + [("cannot delete", each) for each in plan.waiting]
    words += [("hold", each) for each in plan.held_back]
    words += [("cannot write", each) for each in plan.refusals]
    return {
        "changes": [
            {"action": word, "destinationKey": change.destination_key, "reason": change.reason}
            for word, change in words
        ],
        "counts": dict(plan.counts),
        "warnings": list(plan.warnings),
        "blocked": found.blocked.message if found.blocked else None,
    }
