"""`manage.py prepare`: all that a new or updated installation needs before its processes start."""

import json
import os
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from common.compatibility import require_known_database
from common.environment import env
from vault.binding import bind_all


class Command(BaseCommand):
    help = (
        "Migrates, creates the cache table, collects static files unless STATIC_DIR has them and, if there is no "
        "superuser, creates one. "
        "The last line of output is JSON: username, password (null unless generated now) and notice."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_database()
        call_command("migrate", interactive=False, verbosity=0)
        self.bind_vault()
        call_command("createcachetable", verbosity=0)
        if not settings.STATIC_DIR:
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(json.dumps(ensure_administrator()))

    def bind_vault(self) -> None:
        """What is wrong with it keeps nobody from starting: those folders are not read, and say why."""
        bound = bind_all()
        if bound.folders:
            self.stderr.write(f"Bound {bound.values} values in {bound.folders} folders to their places.")
        for name in bound.unreadable:
            self.stderr.write(f"Could not open {name}. Enter it again.")
        if bound.refused:
            names = ", ".join(bound.refused)
            self.stderr.write(
                f"Somebody took the seals from {names}, so these are not read. See `verify_vault --help`."
            )


def ensure_administrator() -> dict[str, str | None]:
    name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    given = env.str("DJANGO_SUPERUSER_PASSWORD", default="")
    superusers = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    existing = superusers.filter(username=name).first() or superusers.first()
    if existing is not None:
        return describe(existing, notice=notice_of_other_password(existing, given))
    generated = "" if given else secrets.token_urlsafe(12)
    email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
    user = User.objects.create_superuser(name, email, given or generated)
    return describe(user, password=generated or None)


def notice_of_other_password(user: User, given: str) -> str | None:
    """A password that a person may have changed since is not set back, but not kept quiet about either."""
    if not given or user.check_password(given):
        return None
    return (
        f"{user.username} has another password than DJANGO_SUPERUSER_PASSWORD, which sets it only at the first start. "
        f"To change it: .venv/bin/python manage.py changepassword {user.username}"
    )


def describe(user: User, *, password: str | None = None, notice: str | None = None) -> dict[str, str | None]:
    return {"username": user.username, "password": password, "notice": notice}
