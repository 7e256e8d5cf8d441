"""`manage.py verify_vault`: whether every folder is as a writer of ours left it."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault.binding import accept_folder, name_of
from vault.errors import SourceError
from vault.loading import check_folder
from vault.models import Folder, Secret
from vault.trash import check_entry, check_values, in_trash
from vault.values import open_value


class Command(BaseCommand):
    help = (
        "Checks all folders of the vault, all values in them and the trash, and names those that were changed by other "
        "ways than DevinSync's own. Prints no value."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--accept",
            action="append",
            default=[],
            metavar="PROJECT/ENVIRONMENT:PATH",
            help="Take this folder as it is now: what it holds, its name and its place. Look at it before.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folders = {name_of(folder): folder for folder in _all_folders()}
        if unknown := sorted(set(options["accept"]) - set(folders)):
            raise CommandError(f"There is no folder {', '.join(unknown)}. Nothing was accepted.")
        for name in options["accept"]:
            accept_folder(folders[name])
            self.stdout.write(f"{name} is accepted as it is.")
        faults = [fault for folder in folders.values() for fault in _faults_of(folder)]
        faults += _faults_of_trash()
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults in {len(folders)} folders and the trash.")
        self.stdout.write(f"{len(folders)} folders and {Secret.objects.count()} secrets are as they were left.")
        self.stdout.write(f"So are the {in_trash().count()} deleted items in the trash.")


def _all_folders() -> Iterator[Folder]:
    rows = Folder.objects.select_related("environment__project")
    yield from rows.order_by("environment__project__slug", "environment__slug", "path")


def _faults_of(folder: Folder) -> Iterator[str]:
    try:
        check_folder(folder)
    except SourceError as error:
        yield f"{folder.environment.project.slug}: {error.message}"
        return
    for secret in Secret.objects.filter(folder=folder).select_related("folder__environment").iterator():
        try:
            open_value(secret)
        except SourceError as error:
            yield f"{name_of(folder)}: {error.message}"


def _faults_of_trash() -> Iterator[str]:
    for entry in in_trash().select_related("project").order_by("pk").iterator():
        try:
            check_entry(entry)
            check_values(entry)
        except SourceError as error:
            yield f"{entry.project.slug}: {error.message}"
