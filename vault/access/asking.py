"""What is asked beside `can`: everywhere, in a project, in a template; and the refusal that names the place."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from common.lacking import Lacking
from vault.access.grants import Place, can, can_within, grant_of, grants_of
from vault.access.models import Membership
from vault.models import Project

# Of the installation alone.
NOWHERE = Place()


def projects_with(user: Any, permission: str) -> set[UUID]:
    """Those in which a membership gives it somewhere."""
    return {grant.project for grant in grants_of(user) if permission in grant.rights}


def has_members(project_id: UUID) -> bool:
    return Membership.objects.filter(project=project_id).exists()


def is_hidden_from_some(here: Place, others: Iterable[Place]) -> bool:
    """Whether somebody may be a member at one place of a project and not at all of the others."""
    rows = Membership.objects.filter(project=here.project).order_by().values_list("environments", "paths")
    grants = [grant_of(here.project, environments, paths) for environments, paths in rows] if here.project else []
    there = list(others)
    return any(grant.covers(here) and not all(map(grant.covers, there)) for grant in grants)


def at(user: Any, place: Place) -> Callable[[str], bool]:
    """Whether somebody may do this or that there."""
    return partial(_can_at, user, place)


def _can_at(user: Any, place: Place, permission: str) -> bool:
    return can(user, permission, place)


def demand_at(user: Any, place: Place, *permissions: str) -> None:
    """Raises Lacking, which names the place, unless somebody has all of these there."""
    if lacking := [name for name in permissions if not can(user, name, place)]:
        raise Lacking(lacking, where=told(place), place=place)


def told(place: Place) -> str:
    """As the end of a sentence: “in dev:/app of Acme shop”; "" for the installation."""
    if place.project is None:
        return ""
    name = Project.objects.filter(pk=place.project).values_list("name", flat=True).first() or "a project that is gone"
    return f"in {place} of {name}" if place.environment else f"in {name}"


class PermsAt:
    """What Django's templates ask as `perms.vault.add_secret`, answered for one place."""

    def __init__(self, user: Any, place: Place, app: str = "") -> None:
        self._user, self._place, self._app = user, place, app

    def __getitem__(self, name: str) -> Any:
        if not self._app:
            return PermsAt(self._user, self._place, name)
        # Of a whole project a button leads on to its parts.
        ask = can_within if name.startswith("view_") else can
        return ask(self._user, f"{self._app}.{name}", self._place)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("Permissions are asked for one by one.")

    def __bool__(self) -> bool:
        return True
