"""Connections that are shared with projects: for whom, and how it is changed.

The members of such a project see the connection by its name and how it is; those of them who may use connections write
through it in the syncs of that project. Nobody sees its credentials by it, or changes it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from connections.models import Connection
from connections.reach import VIEW, register_sharing
from connections.users import Kind, register_users
from sources.models import SharedConnection
from vault.access import projects_with, register_visible, visible
from vault.models import Project


def connect() -> None:
    register_sharing(shared_with)
    register_visible(Connection, seen_by)
    register_users(Kind("linked project", "linked projects", _linked_by, visible))


def seen_by(user: Any) -> Q:
    return Q() if user.has_perm(VIEW) else (shared_with(user, VIEW) or Q(pk__in=()))


def _linked_by(connection: Connection) -> QuerySet[Project]:
    return Project.objects.filter(link__connection=connection).order_by("slug")


def shared_with(user: Any, permission: str) -> Q | None:
    """Those that are shared with a project in which the user has the permission."""
    projects = projects_with(user, permission)
    return Q(pk__in=SharedConnection.objects.filter(project__in=projects).values("connection")) if projects else None


def is_shared(connection: Connection, project: Project) -> bool:
    return SharedConnection.objects.filter(connection=connection, project=project).exists()


def projects_of(connection: Connection) -> list[Project]:
    return list(Project.objects.filter(shared_connections__connection=connection).order_by("name"))


@dataclass(frozen=True)
class Sharing:
    """What a change of the projects has changed, by their names."""

    added: list[str]
    removed: list[str]

    def __str__(self) -> str:
        words = [
            f"Shared with {', '.join(self.added)}" if self.added else "",
            f"no longer shared with {', '.join(self.removed)}" if self.removed else "",
        ]
        told = ", ".join(word for word in words if word)
        return told[:1].upper() + told[1:]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@transaction.atomic
def share(connection: Connection, projects: Collection[Project]) -> Sharing:
    """Shares it with these projects and no others. Syncs of one that it is taken from go on as they are."""
    Connection.objects.select_for_update().get(pk=connection.pk)
    wanted: dict[UUID, Project] = {project.pk: project for project in projects}
    before = {project.pk: project for project in projects_of(connection)}
    new, gone = wanted.keys() - before.keys(), before.keys() - wanted.keys()
    SharedConnection.objects.filter(connection=connection, project__in=gone).delete()
    SharedConnection.objects.bulk_create(SharedConnection(connection=connection, project=wanted[pk]) for pk in new)
    return Sharing(sorted(wanted[pk].name for pk in new), sorted(before[pk].name for pk in gone))


def shared_ids(user: Any, connections: Collection[Connection]) -> dict[UUID, list[UUID]]:
    """By connection, the ids of the projects that it is shared with and that the user sees."""
    found: dict[UUID, list[UUID]] = {connection.pk: [] for connection in connections}
    seen = visible(user, Project.objects.all()).values("pk")
    rows = SharedConnection.objects.filter(connection__in=found, project__in=seen).order_by("project__name")
    for connection_id, project_id in rows.values_list("connection_id", "project_id"):
        found[connection_id].append(project_id)
    return found
