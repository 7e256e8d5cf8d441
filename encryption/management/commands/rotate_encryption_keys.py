"""`manage.py rotate_encryption_keys`: seal everything under the newest key, and say which keys may go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.compatibility import require_known_database
from encryption.checks import key_ids_in_use
from encryption.keyring import current_keyring
from encryption.registry import sealed_fields
from encryption.rotation import rotate


class Command(BaseCommand):
    help = (
        "Seal again, under the newest of ENCRYPTION_KEYS, everything that an older one sealed. May be stopped and "
        "started again at any time, also while DevinSync runs."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        # Which has sealed what this code knows nothing of: a key would be called unused that it needs.
        require_known_database()
        self.stdout.write(f"The newest key is {current_keyring().newest.id}.")
        unreadable = 0
        for field in sealed_fields():
            count = rotate(field)
            unreadable += count.unreadable
            self.stdout.write(f"{field.label}: {count}")
        self._say_which_keys_may_go()
        if unreadable:
            raise CommandError(
                f"{unreadable} could not be opened and are as they were: their key is missing from ENCRYPTION_KEYS, or "
                "they were altered. Add the key and run this again, or enter those values anew."
            )

    def _say_which_keys_may_go(self) -> None:
        in_use = key_ids_in_use()
        for key_id in list(current_keyring().keys)[1:]:
            if count := in_use.get(key_id):
                self.stdout.write(f"Key {key_id} is still used by {count}: keep it until the syncs have run once more.")
            else:
                self.stdout.write(f"Key {key_id} is no longer used: take it out of ENCRYPTION_KEYS.")
