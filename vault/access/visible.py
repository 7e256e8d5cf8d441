"""Which rows somebody may see: a condition on the statement itself, so that none is loaded to be left out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from common.prefixes import starts_with
from vault.access.grants import Grant, Place, grants_of
from vault.access.models import Membership
from vault.models import (
    Environment,
    Folder,
    Project,
    Secret,
    SecretImport,
    SecretMetadata,
    SecretReference,
    SecretVersion,
    Tag,
    TrashEntry,
)

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Kind:
    """The right to see such rows, and the columns that say where one is; "" where a row has no such column."""

    right: str
    project: str
    environment: str = ""
    path: str = ""


def _in_folder(right: str, to_folder: str) -> Kind:
    return Kind(right, f"{to_folder}environment__project_id", f"{to_folder}environment__slug", f"{to_folder}path")


KINDS: dict[type[Model], Kind] = {
    Project: Kind("vault.view_project", "id"),
    Environment: Kind("vault.view_environment", "project_id", "slug"),
    Folder: _in_folder("vault.view_folder", ""),
    Secret: _in_folder("vault.view_secret", "folder__"),
    SecretVersion: _in_folder("vault.view_secret", "secret__folder__"),
    SecretMetadata: _in_folder("vault.view_secret", "secret__folder__"),
    SecretReference: _in_folder("vault.view_secret", "secret__folder__"),
    Tag: Kind("vault.view_tag", "project_id"),
    Membership: Kind("vault.view_membership", "project_id"),
}


# Of packages above, which know where their own rows belong: a condition by the user.
_registered: dict[type[Model], Callable[[Any], Q]] = {}


def register_visible(model: type[Model], seen_by: Callable[[Any], Q]) -> None:
    _registered[model] = seen_by


def visible(user: Any, queryset: "QuerySet[Row]") -> "QuerySet[Row]":
    """The rows of a query that the user may see, of the vault or as registered. Raises KeyError for others."""
    model = queryset.model
    if model in _registered:
        return queryset.filter(_registered[model](user))
    if model is SecretImport:
        # An import tells of two places.
        ends = [_in_folder("vault.view_secretimport", end) for end in ("folder__", "source__")]
        return queryset.filter(*(_where(user, end) for end in ends))
    if model is TrashEntry:
        return _visible_trash(user, queryset)
    return queryset.filter(_where(user, KINDS[model]))


def where(user: Any, permission: str, *, project: str, environment: str = "", path: str = "") -> Q:
    """The places where a user has a right, as a condition on columns of any table: of the project's id, the
    environment's slug and the folder's path. Without the last, whoever has it in a part of a place has it in the row.
    """
    return _where(user, Kind(permission, project, environment, path))


def place_of(row: Model) -> Place:
    """Where a row of the vault is."""
    match row:
        case Project():
            return Place(row.pk)
        case Environment():
            return Place(row.project_id, row.slug)
        case Folder():
            return Place(row.environment.project_id, row.environment.slug, row.path)
        case Secret() | SecretImport():
            return place_of(row.folder)
        case SecretVersion() | SecretMetadata() | SecretReference():
            return place_of(row.secret.folder)
        case Tag() | Membership():
            return Place(row.project_id)
        case _:
            raise TypeError(f"A {type(row).__name__} is in no place of the vault.")


def _where(user: Any, kind: Kind) -> Q:
    if user.has_perm(kind.right):
        return Q()
    found = Q(pk__in=())
    for grant in grants_of(user):
        if kind.right in grant.rights:
            found |= _within(grant, kind)
    return found


def _within(grant: Grant, kind: Kind) -> Q:
    condition = Q((kind.project, grant.project))
    if grant.environments and kind.environment:
        condition &= Q((f"{kind.environment}__in", grant.environments))
    if grant.paths and kind.path:
        below = Q((f"{kind.path}__in", grant.paths))
        for top in grant.paths:
            below |= Q(starts_with(kind.path, f"{top}/"))
        condition &= below
    return condition


def _visible_trash(user: Any, queryset: "QuerySet[Row]") -> "QuerySet[Row]":
    """What came out of a folder that one sees; what came out of one that is gone too is for those who see it all."""
    right = "vault.view_secret"
    if user.has_perm(right):
        return queryset
    whole = [grant.project for grant in grants_of(user) if right in grant.rights and grant.is_whole]
    return queryset.filter(Q(project__in=whole) | Q(folder__in=visible(user, Folder.objects.order_by()).values("pk")))
