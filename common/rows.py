"""Writing rows that are there."""

from collections.abc import Sequence

from django.db.models import Model

# Up to so many, a plain statement a row is built sooner than one that tells them apart.
FEW = 3
ROWS = 500


def save_columns(rows: Sequence[Model], columns: Sequence[str]) -> None:
    """What these rows hold in some of their columns; a row that is gone stays so."""
    if len(rows) > FEW:
        type(rows[0])._default_manager.bulk_update(rows, columns, batch_size=ROWS)
        return
    for row in rows:
        changed = {column: getattr(row, column) for column in columns}
        type(row)._default_manager.filter(pk=row.pk).update(**changed)
