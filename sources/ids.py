"""Ids for scripts, of what a source may know by names alone."""

from uuid import UUID, uuid5


def stable_id(project_id: UUID, own_id: str, name: str) -> UUID:
    """The source's own id where it has one, as it is if it is a UUID; else one made of the name."""
    try:
        return UUID(own_id)
    except ValueError:
        return uuid5(project_id, own_id or name)
