"""`manage.py create_api_token`: prints a new token, alone, for scripts to take."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from api.auth.scopes import SCOPES
from api.models import ApiToken


class Command(BaseCommand):
    help = "Creates an API token of a user and prints it, alone, on standard output. It cannot be shown again."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--user", required=True, help="Whose rights the token has.")
        parser.add_argument("--name", required=True, help="What the token is for.")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="After so many days; never, if left out.")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            choices=list(SCOPES),
            help="Allow only this of what the user may do; may be given several times.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        days = options["expires"]
        if days is not None and not 0 < days <= 36_500:
            raise CommandError("--expires takes a number of days from 1 to 36500.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        try:
            _, token = ApiToken.issue(user, options["name"], expires_at=expires_at, scopes=options["scopes"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(token)
