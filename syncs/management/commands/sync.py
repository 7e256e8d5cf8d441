"""`manage.py sync`: starts a run and tells how it ended."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.choices import Status, Trigger
from syncs.errors import NotRunnable
from syncs.management import answers
from syncs.management.commands.runs import as_json
from syncs.management.lookup import find_sync
from syncs.models import SyncRun
from syncs.runs.ask import request_run
from syncs.runs.waiting import wait_for_end
from syncs.runs.wishes import Wishes


class Command(BaseCommand):
    help = "Starts a run of a sync and waits for its end. The status is 0 if it succeeded, 1 if not."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", help="A sync's name, PROJECT/NAME, or ID.")
        parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="0: only start it.")
        parser.add_argument(
            "--confirm-deletions", action="store_true", help="Let this run delete more than its guard allows."
        )
        parser.add_argument(
            "--take-over", action="store_true", help="Take over what this sync wants and a sync that has stopped holds."
        )
        answers.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sync = find_sync(options["sync"])
        try:
            wishes = Wishes(confirms_any_deletion=options["confirm_deletions"], takes_over=options["take_over"] or None)
            run = request_run(sync, trigger=Trigger.COMMAND, wishes=wishes)
        except NotRunnable as error:
            raise CommandError(error.message) from None
        if options["wait"]:
            run = wait_for_end(run.pk, seconds=options["wait"]) or run
        if options["json"]:
            answers.print_json(self, as_json(run))
            if options["wait"] and run.status != Status.SUCCEEDED:
                raise SystemExit(answers.FAILED)
        elif options["wait"]:
            self.report(run)
        else:
            self.stdout.write(f"{run.pk} queued")

    def report(self, run: SyncRun) -> None:
        if not run.is_finished:
            raise CommandError(f"The run {run.pk} is still {run.get_status_display().lower()}. It goes on by itself.")
        if run.status != Status.SUCCEEDED:
            raise CommandError(f"{run.get_status_display()}: {run.message}")
        self.stdout.write(f"{run.pk} succeeded: {run.summary}")
