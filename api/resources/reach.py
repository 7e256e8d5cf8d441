"""Finds connections, syncs, sets and runs for a caller: what they may not see is not there, what they may not do is
refused.

A token's scopes narrow what may be done, not what there is.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError
from api.resources.lookups import as_uuid
from connections import reach
from connections.models import Connection
from connections.registry import kind_named
from fleets.models import Member, SyncSet
from syncs.access import VIEW, place_of, place_of_run, projects_for
from syncs.models import DevinSync, SyncRun
from syncs.runs.quiet import keep
from vault.access import Place, can, visible
from vault.models import Project

SYNCS = DevinSync.objects.with_source().select_related("connection", "environment")
SETS = SyncSet.objects.with_source().select_related("connection", "environment")
VIEW_RUN = "syncs.view_syncrun"


# What somebody may do with a connection, each of which shows that it is there.
ANY = (reach.VIEW, reach.USE, *(f"connections.{verb}_connection" for verb in ("change", "delete", "rotate")))


def project_for(caller: Caller, project_id: str) -> Project:
    known_id = as_uuid(project_id)
    project = projects_for(caller.user).filter(pk=known_id).first() if known_id else None
    if project is None:
        raise NotFoundError(f"There is no project with the ID {project_id[:64]}.")
    return project


# Connections


def connections_for(caller: Caller, permission: str = reach.VIEW, **which: Any) -> QuerySet[Connection]:
    return reach.within_reach(
        caller.user, permission, rows=Connection.objects.filter(**which).select_related("key_life")
    )


def connection_for(caller: Caller, connection_id: UUID, *, app: str = "devin") -> Connection:
    """One with which they may do anything at all."""
    seen = (connections_for(caller, permission, pk=connection_id).first() for permission in ANY)
    connection = next((row for row in seen if row is not None), None)
    if connection is None:
        raise NotFoundError(f"There is no connection with the ID {connection_id}.")
    if connection.app != app:
        raise BadRequest(f"The connection {connection.name} is not to {kind_named(app).label}.")
    return connection


def require_organizations(caller: Caller, connection: Connection) -> None:
    """For who asks which organizations it reaches: those who see them all, or may write through it."""
    sees_all = caller.allows(reach.VIEW) and caller.user.has_perm("connections.view_organization")
    uses_it = caller.allows(reach.USE) and connections_for(caller, reach.USE, pk=connection.pk).exists()
    if not (sees_all or uses_it):
        caller.require(reach.USE)


# Syncs and their runs


def syncs_for(caller: Caller) -> QuerySet[DevinSync]:
    return visible(caller.user, SYNCS)


def sync_for(caller: Caller, sync_id: UUID, *permissions: str) -> DevinSync:
    """One that they see, or may do this with; and may do it."""
    sync = SYNCS.filter(pk=sync_id).first()
    if sync is None or not _is_known(caller, place_of(sync), (VIEW, *permissions)):
        raise NotFoundError(f"There is no sync with the ID {sync_id}.")
    caller.require_at(place_of(sync), *permissions)
    return sync


def sets_for(caller: Caller) -> QuerySet[SyncSet]:
    return visible(caller.user, SETS)


def set_for(caller: Caller, set_id: UUID, *permissions: str) -> SyncSet:
    """One that they see, or may do this with; and may do it. Rights are those of syncs."""
    each = SETS.filter(pk=set_id).first()
    if each is None or not _is_known(caller, place_of(each), (VIEW, *permissions)):
        raise NotFoundError(f"There is no sync set with the ID {set_id}.")
    caller.require_at(place_of(each), *permissions)
    return each


def member_for(caller: Caller, set_id: UUID, org_id: str, *permissions: str) -> Member:
    """An organization in a set, with both."""
    each = set_for(caller, set_id, *permissions)
    member = each.members.select_related("sync").filter(org_id=org_id).first()
    if member is None:
        raise NotFoundError(f"There is no organization {org_id[:64]} in the set {each.name}.")
    member.set = each
    return member


def run_for(caller: Caller, run_id: UUID, *permissions: str) -> SyncRun:
    """Whoever follows a run finds it at its end too."""
    run = SyncRun.objects.select_related("sync__project").filter(pk=run_id).first()
    if run is None or not _is_known(caller, place_of_run(run), (VIEW_RUN, *permissions)) or not keep(run):
        raise NotFoundError(
            f"There is no run with the ID {run_id}. One that the schedule started leaves none where nothing changed."
        )
    caller.require_at(place_of_run(run), *permissions)
    return run


def _is_known(caller: Caller, place: Place, permissions: Iterable[str]) -> bool:
    return any(can(caller.user, permission, place) for permission in permissions)
