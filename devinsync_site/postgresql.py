"""What each connection to PostgreSQL is told first.

By statements, because PgBouncer refuses parameters that come with the start of a connection. Behind it they may reach
only some of the server's connections; `ALTER ROLE … SET` reaches all (see docs/scaling.md).
"""

from typing import Any

# A process that sleeps inside a transaction would keep its locks, and with them a whole organization.
LONGEST_SLEEP = "60s"
# As long as SQLite lets a writer wait.
LONGEST_WAIT = "20s"


def on_connection(*, connection: Any, **_: Any) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false), "
            "set_config('lock_timeout', %s, false)",
            [LONGEST_SLEEP, LONGEST_WAIT],
        )
