"""The totals in the database: processes add to them, a scrape reads them.

They stand there, and not in each process, because processes come and go on several hosts: a run may have one of its
own. So whichever web process is scraped tells the same, and a number never goes down when a process ends, a host leaves
or history is cleaned. Nothing but what stands there is told, not even what the answering process has yet to add: the
next scrape may be answered by another.
"""

import json
from collections.abc import Mapping

from django.db import connection, transaction

from common.counting import Series
from metrics.models import Total

TABLE = Total._meta.db_table
# The same for SQLite and PostgreSQL. Django's own upsert can set a column, not add to it.
ADD = f"""
INSERT INTO {TABLE} (name, labels, value) VALUES {{rows}}
ON CONFLICT (name, labels) DO UPDATE SET value = {TABLE}.value + excluded.value
"""  # noqa: S608 - a name of ours


def add_to_totals(added: Mapping[Series, float]) -> None:
    """One statement. In one order, so that two processes never wait for each other's rows crosswise."""
    rows = sorted((name, json.dumps(dict(labels)), amount) for (name, labels), amount in added.items())
    if not rows:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        places = ", ".join(["(%s, %s, %s)"] * len(rows))
        cursor.execute(ADD.format(rows=places), [value for row in rows for value in row])


def read_totals() -> dict[Series, float]:
    rows = Total.objects.values_list("name", "labels", "value")
    return {(name, tuple(json.loads(labels).items())): value for name, labels, value in rows}
