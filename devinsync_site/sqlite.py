"""What Django assumes of SQLite and this SQLite does better."""

import sqlite3
from typing import Any

# Beyond this a statement gets no faster, only its text longer.
MOST = 32_000


def use_real_limit(*, connection: Any, **_: Any) -> None:
    """Django splits bulk statements by the 999 parameters of SQLite before 3.32; later ones take 32,766 and more."""
    if connection.vendor == "sqlite":
        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = min(limit, MOST)
