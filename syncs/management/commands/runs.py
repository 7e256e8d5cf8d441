"""`manage.py runs`: the latest runs, of one sync or of all."""

from typing import Any

from django.core.management.base import BaseCommand

from syncs.management import answers
from syncs.management.lookup import find_sync
from syncs.models import SyncRun


class Command(BaseCommand):
    help = "Lists the latest runs: when, of which sync, why, how they ended and what they changed."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", metavar="NAME|ID", nargs="?", help="A sync's name, PROJECT/NAME, or ID; else all.")
        parser.add_argument("--limit", type=int, default=20, metavar="N")
        answers.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        runs = SyncRun.objects.all()
        if options["sync"]:
            runs = runs.filter(sync=find_sync(options["sync"]))
        shown = runs[: max(options["limit"], 0)]
        if options["json"]:
            answers.print_json(self, [as_json(run) for run in shown])
            return
        for run in shown:
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


def as_json(run: SyncRun) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "sync": run.sync_name,
        "operation": run.operation,
        "trigger": run.trigger,
        "status": run.status,
        "queuedAt": run.queued_at.isoformat(),
        "finishedAt": run.finished_at.isoformat() if run.finished_at else None,
        "created": run.created_count,
        "replaced": run.replaced_count,
        "deleted": run.deleted_count,
        "failed": run.failed_count,
        "message": run.message,
    }
