"""Of what a source lists, what a person may read: nothing else is offered for a sync."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from connections.reach import VIEW, may
from sources.choosing import Listing
from sources.protocol import EnvironmentEntry, FolderEntry, Found
from sources.words import UNTOLD, link_of
from vault.access import Place, can, can_within
from vault.models import Project

REVEAL = "vault.reveal_secret"
Entry = TypeVar("Entry")


def readable_environments(user: Any, project: Project, listing: Listing[EnvironmentEntry]) -> Listing[EnvironmentEntry]:
    if user.has_perm(REVEAL):
        return listing
    return _only(
        user,
        project,
        listing,
        [each for each in listing.entries if can_within(user, REVEAL, Place(project.pk, each.slug))],
    )


def readable_folders(user: Any, project: Project, slug: str, listing: Listing[FolderEntry]) -> Listing[FolderEntry]:
    if user.has_perm(REVEAL):
        return listing
    return _only(
        user,
        project,
        listing,
        [each for each in listing.entries if can(user, REVEAL, Place(project.pk, slug, each.path))],
    )


def readable_places(user: Any, project: Project, listing: Listing[Found]) -> Listing[Found]:
    if user.has_perm(REVEAL):
        return listing

    def may(found: Found) -> bool:
        return can(user, REVEAL, Place(project.pk, found.place.environment_slug, found.place.path))

    return _only(user, project, listing, [each for each in listing.entries if may(each)])


def _only(user: Any, project: Project, listing: Listing[Entry], entries: Sequence[Entry]) -> Listing[Entry]:
    return replace(listing, entries=entries, problem=_told(user, project, listing.problem))


def _told(user: Any, project: Project, problem: str) -> str:
    """As on the project's page: how its connection fares is for those who see that."""
    link = link_of(project) if problem else None
    return UNTOLD if link is not None and not may(user, VIEW, link.connection) else problem
