"""A source tells that something has changed, by a message of its own. The floor above starts what has to be started.

`places_changed` is sent with `project_id` and `places`: where something changed, as far as it is known; none of them
means that it may be anywhere in the project. It says nothing about what: whoever hears it reads for themselves.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from sources.protocol import Place

places_changed = Signal()


@transaction.atomic
def tell(project_id: UUID, places: Collection[Place] = ()) -> None:
    """All that follows in the database is one transaction."""
    places_changed.send(sender=None, project_id=project_id, places=tuple(places))
