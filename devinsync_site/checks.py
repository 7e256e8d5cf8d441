"""What every command looks at before it does anything; `manage.py check` does nothing else.

It is not tagged as one of the database: those run with `migrate` alone, and older code would harm by any command.
"""

from pathlib import Path
from typing import Any

from django.core import checks
from django.db import connection

from common.compatibility import newer_than_this


@checks.register
def check_database_is_not_newer(**_: Any) -> list[checks.CheckMessage]:
    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).is_file():
        # Looking would make it.
        return []
    message = newer_than_this()
    return [checks.Error(message, id="devinsync.E001")] if message else []
