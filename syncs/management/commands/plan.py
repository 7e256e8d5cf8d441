"""`manage.py plan`: what a run would do now, without doing it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.engine.preview import preview
from syncs.errors import SyncError
from syncs.management import answers
from syncs.management.lookup import find_sync
from syncs.management.plans import as_json, lines_of


class Command(BaseCommand):
    help = "Shows what a run of a sync would do now: keys and reasons, never values. Nothing is written."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", help="A sync's name, PROJECT/NAME, or ID.")
        answers.add_arguments(parser, exit_code=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = preview(find_sync(options["sync"]), patience=None, names_authors=True)
        except SyncError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            answers.print_json(self, as_json(found))
        else:
            for line in lines_of(found):
                self.stdout.write(line)
        plan = found.plan
        is_different = bool(plan.changes or plan.asked or plan.waiting or plan.held_back)
        answers.end(options, is_different=is_different, has_failed=bool(plan.refusals))
