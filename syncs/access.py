"""Where syncs and what is theirs belong, and so who sees them: those who may see syncs at the place that is read.

A sync of the vault     belongs to its folder or, once that is gone, to where it was
kept elsewhere          belongs to its project if the connection behind it is shared with that project, else to none
of no place             is for those alone whose rights hold in the whole installation
"""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from connections.models import Connection
from connections.users import Kind, register_users
from sources.models import SharedConnection
from syncs.models import DevinSync, ManagedSecret, StrangerDecision, SyncRun, SyncRunChange
from syncs.places import ReadsPlace
from vault.access import NOWHERE, Place, register_visible, visible, where
from vault.models import VAULT, Project

VIEW, VIEW_RUN = "syncs.view_devinsync", "syncs.view_syncrun"


def place_of(sync: ReadsPlace) -> Place:
    """Of a sync, or of what makes syncs for it."""
    return place_at(sync.project, sync.environment_slug, sync.path)


def place_at(project: Project, environment: str, path: str) -> Place:
    """Where a sync would belong that reads this; whether there is such a folder or not."""
    if not project.is_kept_here and not SharedConnection.objects.filter(_own_connection(project.pk)).exists():
        return NOWHERE
    return Place(project.pk, environment, path)


def place_of_run(run: SyncRun) -> Place:
    """Of a sync that is gone nobody knows any more where it belonged."""
    return place_of(run.sync) if run.sync is not None else NOWHERE


def place_of_change(change: SyncRunChange) -> Place:
    return place_of_run(change.run)


def place_of_what_a_sync_has(row: ManagedSecret | StrangerDecision) -> Place:
    return place_of(row.sync)


def projects_for(user: Any) -> QuerySet[Project]:
    """Those that somebody sees, or all for who sees all syncs: a sync names its project."""
    projects = Project.objects.all()
    return projects if user.has_perm(VIEW) else visible(user, projects)


def register() -> None:
    """Tells `visible` of the rows of this package."""
    register_visible(DevinSync, lambda user: seen_by(user, VIEW))
    register_users(Kind("sync", "syncs", _syncs_by, visible))
    register_visible(SyncRun, lambda user: seen_by(user, VIEW_RUN, "sync__"))
    register_visible(SyncRunChange, lambda user: seen_by(user, "syncs.view_syncrunchange", "run__sync__"))
    register_visible(ManagedSecret, lambda user: seen_by(user, "syncs.view_managedsecret", "sync__"))


def _syncs_by(connection: Connection) -> QuerySet[DevinSync]:
    """Those that are given another connection one by one; those of a set are given it by their set."""
    return DevinSync.objects.filter(connection=connection, set_id=None).order_by("name")


def seen_by(user: Any, permission: str, to_sync: str = "") -> Q:
    """The rows at whose place the user has the permission; `to_sync` leads from a row to its sync."""
    if user.has_perm(permission):
        return Q()
    project = f"{to_sync}project"
    in_folder = where(
        user,
        permission,
        project=project,
        environment=f"{to_sync}folder__environment__slug",
        path=f"{to_sync}folder__path",
    )
    as_named = where(
        user, permission, project=project, environment=f"{to_sync}source_environment", path=f"{to_sync}source_path"
    )
    is_shared = Exists(SharedConnection.objects.filter(_own_connection(OuterRef(project))))
    has_folder, is_here = Q(**{f"{to_sync}folder__isnull": False}), Q(**{f"{project}__source": VAULT})
    return (has_folder & in_folder) | (~has_folder & as_named & (is_here | Q(is_shared)))


def _own_connection(project: UUID | OuterRef) -> Q:
    """The sharing of the connection behind a project with that very project."""
    return Q(project=project, connection__linked_projects__project=project)
