"""With which projects a document says that a connection is shared, by their slugs."""

from django.core.exceptions import ValidationError

from connections.models import Connection
from syncs.editing.document import Entry
from syncs.editing.seen import Seen

SHARED_WITH = "shared_with"


def told_sharing(connection: Connection, seen: Seen) -> list[str]:
    shared = seen.projects().filter(shared_connections__connection=connection)
    return list(shared.order_by("slug").values_list("slug", flat=True))


def take_sharing(said: Entry, seen: Seen) -> list[str] | None:
    """What the entry says, in order; None where it says nothing. Raises ValidationError."""
    wanted = said.get(SHARED_WITH)
    if wanted is None:
        return None
    if not isinstance(wanted, list) or not all(isinstance(slug, str) for slug in wanted):
        raise ValidationError(f"{SHARED_WITH} is no list of slugs of projects.")
    there = set(seen.projects().filter(slug__in=wanted).values_list("slug", flat=True))
    if missing := next((slug for slug in wanted if slug not in there), None):
        raise ValidationError(f"It is shared with the project {missing!r}, which there is not.")
    return sorted(there)
