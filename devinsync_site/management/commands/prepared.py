"""`manage.py prepared`: whether `manage.py prepare` of this version has been at the database.

Where processes start beside it and beside each other, they wait for it by `--wait`: on an older database they would
fail at every turn, and on none at all they could not start.
"""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from common.compatibility import require_known_database
from common.database_faults import describe

PAUSE = 1.0
SHOWN = 5
RUN_PREPARE = "Run `manage.py prepare`."


class Command(BaseCommand):
    help = "Ends with 0 once `manage.py prepare` of this version has been at the database; else with 1, and says why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", action="store_true", help="Wait until it is so, however long it takes.")

    def handle(self, *args: Any, **options: Any) -> None:
        told = ""
        while lack := what_lacks():
            if not options["wait"]:
                raise CommandError(lack)
            if lack != told:
                self.stderr.write(f"{lack} Waiting for it.")
            told = lack
            connections.close_all()
            time.sleep(PAUSE)


def what_lacks() -> str:
    """In a sentence; "" if nothing. Raises ImproperlyConfigured for a database that a newer version has changed."""
    require_known_database()
    try:
        executor = MigrationExecutor(connection)
        left = [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
        tables = connection.introspection.table_names()
    except (DatabaseError, InterfaceError) as error:
        return describe(error)
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        return f"The database lacks {', '.join(left[:SHOWN])}{more}. {RUN_PREPARE}"
    if settings.CACHES["default"]["LOCATION"] not in tables:
        return f"The database lacks the table of counts. {RUN_PREPARE}"
    return ""
