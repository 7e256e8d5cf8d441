"""One folder a resource: its router, the shapes it takes and gives, and what it writes."""

from ninja import Router


def resource(tag: str) -> Router:
    """A router whose answers hold what was set, in camelCase."""
    return Router(tags=[tag], by_alias=True, exclude_unset=True)
