"""What stands in for a deletion that is only tried: as much of it as those who read the vault can see."""

from django.db import models
from django.db.models import Model, QuerySet


def take_out_of_sight(rows: "QuerySet[Model]") -> None:
    """Deletes rows alone, in a transaction that is taken back.

    What belongs to them is read through them, so it goes out of sight with them; left behind, it breaks only rules that
    a database looks at when a transaction is committed. What would stay and forget them does so.
    """
    for relation in rows.model._meta.related_objects:
        if relation.on_delete is models.SET_NULL:
            name = relation.field.name
            relation.related_model._base_manager.filter(**{f"{name}__in": rows}).update(**{name: None})
    rows._raw_delete(rows.db)
