"""Of what a source lists, what a person may read: nothing else is offered for a sync."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sources.choosing import Listing
from sources.protocol import EnvironmentEntry, FolderEntry, Found
from vault.access import Place, can, can_within
from vault.models import Project

REVEAL = "vault.reveal_secret"
Entry = TypeVar("Entry")


def readable_environments(user: Any, project: Project, listing: Listing[EnvironmentEntry]) -> Listing[EnvironmentEntry]:
    if user.has_perm(REVEAL):
        return listing
    return _only(listing, [each for each in listing.entries if can_within(user, REVEAL, Place(project.pk, each.slug))])


def readable_folders(user: Any, project: Project, slug: str, listing: Listing[FolderEntry]) -> Listing[FolderEntry]:
    if user.has_perm(REVEAL):
        return listing
    return _only(listing, [each for each in listing.entries if can(user, REVEAL, Place(project.pk, slug, each.path))])


def readable_places(user: Any, project: Project, listing: Listing[Found]) -> Listing[Found]:
    if user.has_perm(REVEAL):
        return listing

    def may(found: Found) -> bool:
        return can(user, REVEAL, Place(project.pk, found.place.environment_slug, found.place.path))

    return _only(listing, [each for each in listing.entries if may(each)])


def _only(listing: Listing[Entry], entries: Sequence[Entry]) -> Listing[Entry]:
    return replace(listing, entries=entries)
