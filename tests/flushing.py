"""How a transactional test leaves the database: as Django's flush left it the first time, in a fraction of its time.

That flush empties each of a hundred tables and has permissions, content types and groups made anew. Here what has no
rows is left alone, and so is what has the rows of the first time.
"""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase

Rows = list[tuple[Any, ...]]
_flush: Any = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# What the first flush of this process left, by table.
_left: dict[str, Rows] = {}


def flush_quickly() -> None:
    """From here on, in this process."""
    TransactionTestCase._fixture_teardown = _leave  # type: ignore[attr-defined]


def _leave(test: TransactionTestCase) -> None:
    if _left and _put_back():
        return
    _flush(test)
    _left.clear()
    _left.update({table: _rows_of(table) for table in _tables_with_rows()})


def _put_back() -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            tables = {*_tables_with_rows(), *_left}
            changed = [table for table in tables if table not in _left or _rows_of(table) != _left[table]]
            for table in changed:
                cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608
            for table in changed:
                for row in _left.get(table, ()):
                    values = ", ".join(["%s"] * len(row))
                    cursor.execute(f"INSERT INTO {_quoted(table)} VALUES ({values})", row)  # noqa: S608
    except DatabaseError:  # as where a test broke off the connection, or changed the tables: Django knows what to do
        return False
    ContentType.objects.clear_cache()
    return True


def _tables_with_rows() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    looks = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {_quoted(table)})" for table in tables]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks))
        return [name for (name,) in cursor.fetchall()]


def _rows_of(table: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_quoted(table)} ORDER BY 1")  # noqa: S608
        return list(cursor.fetchall())


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
