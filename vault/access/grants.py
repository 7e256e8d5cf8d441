"""One question: may somebody do something at a place? Loaded once for each user object, so once a request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q

from vault.access.models import Membership
from vault.access.roles import FRAMES, RIGHTS

MEMO = "_vault_grants"
# Whether a folder is seen: of this environment, at this path.
Sight = Callable[[str, str], bool]


@dataclass(frozen=True)
class Place:
    """A folder with all below it; without a path a whole environment; without an environment a whole project.

    Without a project it is the installation, where only installation-wide rights count.
    """

    project: UUID | None = None
    environment: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.environment}:{self.path or '/'}" if self.environment else "the whole project"


@dataclass(frozen=True)
class Grant:
    """What one membership gives. No environments and no paths mean all of them."""

    project: UUID
    rights: frozenset[str]
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.environments and not self.paths

    def covers(self, place: Place) -> bool:
        """All of the place."""
        if place.project != self.project:
            return False
        if self.environments and place.environment not in self.environments:
            return False
        return not self.paths or any(is_below(place.path or "/", top) for top in self.paths if place.environment)

    def touches(self, place: Place) -> bool:
        """The place or a part of it."""
        if place.project != self.project:
            return False
        if self.environments and place.environment is not None and place.environment not in self.environments:
            return False
        here = place.path or "/"
        return not self.paths or any(is_below(here, top) or is_below(top, here) for top in self.paths)


def is_below(path: str, top: str) -> bool:
    """Or the same; by whole segments, so that /app is not above /apple."""
    return top in ("/", path) or path.startswith(f"{top}/")


def can(user: Any, permission: str, place: Place) -> bool:
    """Everywhere at the place: installation-wide, or by a membership.

    `permission` is as Django names it. What frames a place is seen by those who see a part of it.
    """
    if permission in FRAMES:
        return can_within(user, permission, place)
    return bool(user.has_perm(permission)) or any(grant.covers(place) for grant in _giving(user, permission))


def can_within(user: Any, permission: str, place: Place) -> bool:
    """At the place, or somewhere in it."""
    return bool(user.has_perm(permission)) or any(grant.touches(place) for grant in _giving(user, permission))


def can_somewhere(user: Any, permission: str) -> bool:
    """Installation-wide or in any place at all: for menus, and for pages that show only what one may see."""
    return bool(user.has_perm(permission)) or bool(_giving(user, permission))


def sight(user: Any, permission: str, project: UUID) -> Sight | None:
    """Which folders of a project a permission is held at, by environment and path; None for all of them."""
    if user.has_perm(permission):
        return None
    return lambda environment, path: can(user, permission, Place(project, environment, path))


def forget_grants(user: Any) -> None:
    """For whoever changed a membership and goes on with the same user."""
    if hasattr(user, MEMO):
        delattr(user, MEMO)


def grants_of(user: Any) -> tuple[Grant, ...]:
    """Of an active user, by memberships of their own and of their groups. In one statement, once."""
    if not getattr(user, "is_active", False) or user.pk is None:
        return ()
    if not hasattr(user, MEMO):
        setattr(user, MEMO, load_grants(user))
    loaded: tuple[Grant, ...] = getattr(user, MEMO)
    return loaded


def load_grants(user: User) -> tuple[Grant, ...]:
    rows = Membership.objects.filter(Q(user=user.pk) | Q(group__user=user.pk)).order_by().distinct()
    return tuple(
        grant_of(project_id, environments, paths, RIGHTS.get(role, frozenset()))
        for project_id, role, environments, paths in rows.values_list("project_id", "role", "environments", "paths")
    )


def grant_of(
    project_id: UUID, environments: Sequence[str], paths: Sequence[str], rights: frozenset[str] = frozenset()
) -> Grant:
    return Grant(project_id, rights, tuple(environments), () if "/" in paths else tuple(paths))


def _giving(user: Any, permission: str) -> list[Grant]:
    return [grant for grant in grants_of(user) if permission in grant.rights]
