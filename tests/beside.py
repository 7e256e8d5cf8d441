"""An empty PostgreSQL database beside that of the tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import connection


@contextmanager
def empty_database(purpose: str) -> Iterator[str]:
    """Its address. It bears the name of the tests' own, so that processes side by side each have one."""
    name = f"{connection.settings_dict['NAME']}_{purpose}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
