"""`manage.py generate_encryption_key`: print a new key for ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from encryption.keyring import generate_key


class Command(BaseCommand):
    help = "Print a new random key for ENCRYPTION_KEYS. Put it first in the list, then run rotate_encryption_keys."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(generate_key())
