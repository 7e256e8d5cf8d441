"""Looking rows up by how a text starts, with the same answer on every database.

Django's own `startswith` is LIKE on SQLite, which takes /App for /app.
"""

from django.db.models import Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact


def starts_with(field: str, prefix: str) -> Exact:
    """A condition for `filter` and `exclude`; large and small letters are told apart."""
    return Exact(Left(field, len(prefix)) if prefix else Value(prefix), prefix)
