"""`manage.py runs`: the latest runs, of one sync or of all."""

from typing import Any

from django.core.management.base import BaseCommand

from syncs.management.lookup import find_sync
from syncs.models import SyncRun


class Command(BaseCommand):
    help = "Lists the latest runs: when, of which sync, why, how they ended and what they changed."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", nargs="?", help="A sync's name, PROJECT/NAME, or ID; else all.")
        parser.add_argument("--limit", type=int, default=20, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        runs = SyncRun.objects.all()
        if options["sync"]:
            runs = runs.filter(sync=find_sync(options["sync"]))
        for run in runs[: max(options["limit"], 0)]:
            self.stdout.write("  ".join(part for part in describe(run) if part))


def describe(run: SyncRun) -> tuple[str, ...]:
    return (
        f"{run.queued_at:%Y-%m-%d %H:%M:%S}",
        str(run.pk),
        run.sync_name,
        run.operation,
        run.trigger,
        run.status,
        run.summary if run.is_finished else "",
        run.message,
    )
