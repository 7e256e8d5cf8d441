"""Whether the settings name groups that there are. Reads the database, so it runs with `migrate` and with
`check --database default`."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core import checks
from django.db import DatabaseError

from accounts.second_factor.required import unknown_groups


@checks.register(checks.Tags.database)
def check_groups(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    if not databases or not settings.SECOND_FACTOR_REQUIRED:
        return []
    try:
        # Before the first `migrate` there is none.
        names = unknown_groups() if Group.objects.exists() else []
    except DatabaseError:
        return []
    return [
        checks.Warning(
            f"SECOND_FACTOR_REQUIRED names “{name}”, which is no group: nobody has to have a second factor by it.",
            hint="Write the name as it stands under Groups, or `everyone`.",
            id="accounts.W001",
        )
        for name in names
    ]
