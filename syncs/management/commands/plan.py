"""`manage.py plan`: what a run would do now, without doing it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.engine.plan import Create, Replace
from syncs.engine.preview import preview
from syncs.errors import SyncError
from syncs.management.lookup import find_sync


class Command(BaseCommand):
    help = "Shows what a run of a sync would do now: keys and reasons, never values. Nothing is written."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", help="A sync's name, PROJECT/NAME, or ID.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = preview(find_sync(options["sync"]))
        except SyncError as error:
            raise CommandError(error.message) from None
        signs: dict[type, str] = {Create: "+ create", Replace: "~ replace"}
        for change in found.plan.changes:
            sign = signs.get(type(change), "- delete")
            self.stdout.write(f"{sign} {change.destination_key}  ({change.reason})")
        for refusal in found.plan.refusals:
            self.stdout.write(f"! cannot write {refusal.destination_key}  ({refusal.reason})")
        for warning in found.plan.warnings:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(str(found.plan))
        if found.blocked is not None:
            self.stdout.write(f"A run would be blocked. {found.blocked.message}")
