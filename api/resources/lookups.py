"""Finds what a request names, or says that there is none."""

from uuid import UUID

from api.http.errors import BadRequest, NotFoundError
from connections.models import Connection
from connections.registry import kind_named
from sources.errors import SourceError
from sources.finding import find_place
from sources.protocol import Found
from syncs.models import DevinSync, SyncRun
from syncs.runs.quiet import keep
from vault.elsewhere import check_kept_here
from vault.models import Environment, Project

SYNCS = DevinSync.objects.with_source().select_related("connection", "environment")


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def get_project(project_id: str) -> Project:
    known_id = as_uuid(project_id)
    project = Project.objects.filter(pk=known_id).first() if known_id else None
    if project is None:
        raise NotFoundError(f"There is no project with the ID {project_id[:64]}.")
    return project


def get_project_by_slug(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise NotFoundError(f"There is no project with the slug {slug[:64]}.")
    return project


def choose_project(project_id: str | None, slug: str | None) -> Project:
    """By id or by slug; one of them must be given."""
    if project_id:
        return get_project(project_id)
    if slug:
        return get_project_by_slug(slug)
    raise BadRequest("Name the project: projectId (or workspaceId), or its slug.")


def get_environment(project: Project, slug: str) -> Environment:
    check_kept_here(project)
    environment = project.environments.filter(slug=slug).first()
    if environment is None:
        raise NotFoundError(f"The project {project.slug} has no environment {slug[:64]}.")
    return environment


def get_source(project: Project, environment: str, path: str) -> Found:
    """The place that a sync reads. One that is missing is a mistake in the request, not an unknown address.

    Asks the source, so it is never called inside a transaction.
    """
    try:
        return find_place(project, environment, path)
    except SourceError as error:
        raise BadRequest(error.message) from error


def get_connection(connection_id: UUID, *, app: str = "devin") -> Connection:
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        raise NotFoundError(f"There is no connection with the ID {connection_id}.")
    if connection.app != app:
        raise BadRequest(f"The connection {connection.name} is not to {kind_named(app).label}.")
    return connection


def get_sync(sync_id: UUID) -> DevinSync:
    sync = SYNCS.filter(pk=sync_id).first()
    if sync is None:
        raise NotFoundError(f"There is no sync with the ID {sync_id}.")
    return sync


def get_run(run_id: UUID) -> SyncRun:
    """Whoever follows a run finds it at its end too."""
    run = SyncRun.objects.filter(pk=run_id).first()
    if run is None or not keep(run):
        raise NotFoundError(
            f"There is no run with the ID {run_id}. One that the schedule started leaves none where nothing changed."
        )
    return run
