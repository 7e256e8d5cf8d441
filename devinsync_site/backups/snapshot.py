"""One view of the whole database, while others go on writing to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model

from devinsync_site.backups.contents import columns_of

ROWS_AT_ONCE = 1_000
# On SQLite a plain BEGIN takes no turn among the writers: its first read decides what it sees.
BEGIN = {"sqlite": "BEGIN DEFERRED", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything that is read in here is as it was at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN[connection.vendor])
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def rows_of(model: type[Model]) -> Iterator[tuple[Any, ...]]:
    """By their primary key, a thousand at a time."""
    columns = columns_of(model)
    at = columns.index(model._meta.pk.attname)
    rows = model._base_manager.order_by("pk").values_list(*columns)
    some = list(rows[:ROWS_AT_ONCE])
    while some:
        yield from some
        some = list(rows.filter(pk__gt=some[-1][at])[:ROWS_AT_ONCE])
