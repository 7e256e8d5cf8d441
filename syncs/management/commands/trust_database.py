"""`manage.py trust_database`: the decision on all syncs that an older copy of the database has blocked."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncs.choices import Trigger
from syncs.management import answers
from syncs.management.lookup import SYNCS, find_sync
from syncs.runs.trusting import Doubt, Trusted, doubts, trust


class Command(BaseCommand):
    help = (
        "Lists the syncs that are blocked because Devin holds later notes than this database knows of, as after an "
        "older copy was restored, with what each would change. With --yes each runs, and makes Devin equal to its "
        "source as it is now."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sync", nargs="*", metavar="NAME|ID", help="Only these, by name, PROJECT/NAME, or ID.")
        parser.add_argument("--yes", action="store_true", help="Trust this database, and start the runs.")
        answers.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        named = [find_sync(text).pk for text in options["sync"]]
        found = doubts(named or None)
        done = trust_all(found) if options["yes"] else Trusted([], [])
        if options["json"]:
            answers.print_json(self, {**as_json(found), "started": len(done.runs), "refused": done.refused})
        else:
            self.report(found, done, is_done=options["yes"])
        if done.refused:
            raise CommandError(f"{len(done.refused)} not started: {' '.join(done.refused)}")

    def report(self, found: list[Doubt], done: Trusted, *, is_done: bool) -> None:
        if not found:
            self.stdout.write("None is blocked because of an older database.")
            return
        for doubt in found:
            self.stdout.write(f"{doubt.name} ({doubt.org_id}): {_count(doubt.changes, 'change')}")
        total = sum(doubt.changes for doubt in found)
        self.stdout.write(f"{_count(len(found), 'sync')}, {_count(total, 'change')}.")
        if is_done:
            self.stdout.write(f"{_count(len(done.runs), 'run')} queued.")
        else:
            self.stdout.write("Nothing was started. Bring the sources up to date, then say the same with --yes.")


def trust_all(found: list[Doubt]) -> Trusted:
    return trust(SYNCS.filter(pk__in=[doubt.sync_id for doubt in found]), trigger=Trigger.COMMAND)


def as_json(found: list[Doubt]) -> dict[str, Any]:
    syncs = [
        {"id": str(doubt.sync_id), "name": doubt.name, "organization": doubt.org_id, "changes": doubt.changes}
        for doubt in found
    ]
    return {"syncs": syncs, "changes": sum(doubt.changes for doubt in found)}


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
