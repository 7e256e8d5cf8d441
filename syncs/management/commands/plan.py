"""`manage.py plan`: what a run would do now, without doing it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.engine.changes import Create, Delete, HandOver, Rename, Replace
from syncs.engine.preview import preview
from syncs.errors import SyncError
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

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = preview(find_sync(options["sync"]), patience=None)
        except SyncError as error:
            raise CommandError(error.message) from None
        for change in found.plan.changes:
            self.stdout.write(f"{SIGNS[type(change)]} {change.destination_key}  ({change.reason})")
        for asked in found.plan.asked:
            self.stdout.write(f"? asks about {asked.destination_key}  ({asked.reason})")
        for waiting in found.plan.waiting:
            self.stdout.write(f"! cannot delete {waiting.destination_key}  ({waiting.reason})")
        for refusal in found.plan.refusals:
            self.stdout.write(f"! cannot write {refusal.destination_key}  ({refusal.reason})")
        for warning in found.plan.warnings:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(str(found.plan))
        if found.blocked is not None:
            self.stdout.write(f"A run would be blocked. {found.blocked.message}")
