"""With which projects a document says that a connection is shared, by their slugs."""

from collections import defaultdict
from uuid import UUID

from django.core.exceptions import ValidationError

from syncs.editing.document import Entry
from syncs.editing.seen import Seen

SHARED_WITH = "shared_with"


def told_sharing(seen: Seen) -> dict[UUID, list[str]]:
    """By connection, in order; none that is shared with no project. In one query, however many there are."""
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    rows = seen.projects().filter(shared_connections__isnull=False).order_by("slug")
    for connection_id, slug in rows.values_list("shared_connections__connection", "slug"):
        found[connection_id].append(slug)
    return found


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
