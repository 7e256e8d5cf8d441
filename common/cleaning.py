"""Deleting what is old, a little at a time: each chunk by key and in a short transaction of its own.

A cleaner deletes one chunk and says whether there may be more. Each app registers its own; the scheduler calls them in
turn, and between two chunks it does what is due.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import QuerySet

from common.places import places

log = logging.getLogger(__name__)

Cleaner = Callable[[], bool]
# Rows a statement: every database takes this many parameters, and deletes them in a few milliseconds.
CHUNK = 500

_cleaners: dict[str, Cleaner] = {}


def register_cleaner(what: str, clean: Cleaner) -> None:
    """`what` names it in the log, and a later one of that name takes its place."""
    _cleaners[what] = clean


def cleaning() -> Iterator[str]:
    """Yields after each chunk; the caller may take its time, or stop. A cleaner that fails does not stop the others."""
    for what, clean in list(_cleaners.items()):
        try:
            while clean():
                yield what
        except (DatabaseError, InterfaceError) as error:
            log.error("could not clean up %s (%s) at %s", what, type(error).__name__, places(error))
            close_old_connections()
        yield what


def delete_some(rows: QuerySet[Any], chunk: int = CHUNK) -> bool:
    """Deletes the first of these rows, by key; whether there were as many as that.

    For rows that nothing refers to, or few: what does is looked up.
    """
    keys = list(rows.values_list("pk", flat=True)[:chunk])
    if keys:
        rows.model._base_manager.filter(pk__in=keys).delete()
    return len(keys) == chunk
