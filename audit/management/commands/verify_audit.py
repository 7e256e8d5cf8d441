"""`manage.py verify_audit`: whether the audit log is as it was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.chain import verify


class Command(BaseCommand):
    help = "Checks the chain of the audit log, and names the first line that was altered, put in or taken out."

    def handle(self, *args: Any, **options: Any) -> None:
        count, fault = verify()
        if fault is not None:
            raise CommandError(f"{fault.message} {count} lines before it are as they were written.")
        self.stdout.write(f"{count} lines, each as it was written.")
