"""`manage.py encryption_keys`: the keys that data is sealed with, by their ids, and which of them are lacking."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from encryption.checks import sealing_key_ids
from encryption.keyring import current_keyring


class Command(BaseCommand):
    help = "Lists the encryption keys that data in the database is sealed with, and whether ENCRYPTION_KEYS has them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help='As JSON: {"<key id>": {"count": 9, "known": true}}')

    def handle(self, *args: Any, **options: Any) -> None:
        known = current_keyring()
        used = sealing_key_ids()
        if options["json"]:
            found = {key_id: {"count": count, "known": key_id in known.keys} for key_id, count in used.items()}
            self.stdout.write(json.dumps(found, sort_keys=True))
            return
        for key_id, count in sorted(used.items()):
            lacks = "" if key_id in known.keys else "  ENCRYPTION_KEYS lacks it: put it in again, after the newest"
            self.stdout.write(f"{key_id}  {count:,} values{lacks}")
        if not used:
            self.stdout.write("Nothing is sealed yet.")
        if known.newest.id not in used:
            self.stdout.write(f"{known.newest.id}  the newest; what is sealed from now on is sealed with it")
