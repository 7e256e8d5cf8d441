"""Writing rows that are there."""

from collections.abc import Sequence

from django.db.models import Model

ROWS = 500


def save_columns(rows: Sequence[Model], columns: Sequence[str]) -> None:
    """What these rows hold in some of their columns, in a statement for each chunk; a row that is gone stays so."""
    if len(rows) == 1:
        # Built sooner than the statement that tells many apart.
        changed = {column: getattr(rows[0], column) for column in columns}
        type(rows[0])._default_manager.filter(pk=rows[0].pk).update(**changed)
    elif rows:
        type(rows[0])._default_manager.bulk_update(rows, columns, batch_size=ROWS)
