"""Which lines tell of a row."""

from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from audit.models import Entry
from common.prefixes import starts_with


def lines_about(row: Model) -> QuerySet[Entry]:
    """What was done to it, and what was asked or refused at its address, the newest first.

    A UUID is of one row alone. A number is of one row of each kind: such lines name the kind, or a route of its pages.
    """
    lines = Entry.objects.filter(object_id=str(row.pk)).order_by("-id")
    if isinstance(row.pk, UUID):
        return lines
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    return lines.filter(Q(kind=kind.name) | starts_with("kind", f"{kind.app_label}_{kind.model}_"))
