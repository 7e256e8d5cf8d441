"""What each connection to PostgreSQL is told first.

By statements, because PgBouncer refuses parameters that come with the start of a connection. Behind it they may reach
only some of the server's connections; `ALTER ROLE … SET` reaches all (see docs/scaling.md).
"""

from collections.abc import Callable
from typing import Any

from django.db import InternalError

from common.database_faults import only_reads

# A process that sleeps inside a transaction would keep its locks, and with them a whole organization.
LONGEST_SLEEP = "60s"
# As long as SQLite lets a writer wait.
LONGEST_WAIT = "20s"
# A host that lost its power or its cable says no good-bye. Each end of a connection looks after 5 s without a word,
# then every 2 s, and gives up after the fourth look, or once something that it sent has not arrived for 15 s: within
# the usual lease.
OF_THE_SERVER = {
    "idle_in_transaction_session_timeout": LONGEST_SLEEP,
    "lock_timeout": LONGEST_WAIT,
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "15s",
}


def on_connection(*, connection: Any, **_: Any) -> None:
    if connection.vendor != "postgresql":
        return
    if leave_what_only_reads not in connection.execute_wrappers:
        # In front: who puts one there for a while takes the last one away.
        connection.execute_wrappers.insert(0, leave_what_only_reads)
    settings = ", ".join("set_config(%s, %s, false)" for _ in OF_THE_SERVER)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {settings}", [part for setting in OF_THE_SERVER.items() for part in setting])


def leave_what_only_reads(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Closes a connection that leads to a standby, so that the next one goes to whichever server writes by then.

    It would last: to be asked whether it is in order, it answers that it is.
    """
    try:
        return execute(sql, params, many, context)
    except InternalError as error:
        if only_reads(error):
            context["connection"].connection.close()
        raise
