"""`manage.py reset_second_factor USER`: for whoever lost theirs, and has no administrator to ask."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.second_factor.resetting import reset


class Command(BaseCommand):
    help = (
        "Removes the second factor of USER with its recovery codes, and ends their sessions. They log in by their "
        "password and set up another one. The audit log tells of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="The name that they log in with.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user “{options['user']}”. Nothing was changed.")
        count = reset(user, by=user, how=" by manage.py")
        self.stdout.write(f"{user}: {count} removed, with the recovery codes. Their sessions ended.")
