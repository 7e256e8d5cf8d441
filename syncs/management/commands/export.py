"""`manage.py export`: syncs and connections as YAML, for git. Without keys and values."""

from typing import Any

import yaml
from django.core.management.base import BaseCommand

from syncs.editing.declaration import describe_all

HEAD = (
    "# Syncs and connections of DevinSync. Apply with: manage.py apply FILE\n"
    "# API keys are not in here: enter them in the admin.\n"
)


class Command(BaseCommand):
    help = "Prints all connections and syncs as YAML, which `apply` takes. It holds no API key and no secret."

    def handle(self, *args: Any, **options: Any) -> None:
        text = yaml.safe_dump(describe_all(), sort_keys=False, allow_unicode=True)
        self.stdout.write(HEAD + text, ending="")
