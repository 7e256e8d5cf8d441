"""Projects that are kept in another source: linked by callers of the API, and what their sources tell."""

from uuid import UUID

from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError
from api.resources.actors import actor_of
from api.resources.audit import note_added
from api.resources.projects.schemas import CreateProject, EnvironmentOut
from api.resources.projects.seen import Seen
from connections.models import Connection
from sources.choosing import environments_of
from sources.errors import SourceError
from sources.linking import Naming, keep_link, prove
from sources.models import POLL_SECONDS
from vault.models import Project


def link(caller: Caller, connection_id: UUID, body: CreateProject) -> Project:
    """Asks the source, so never inside a transaction."""
    caller.require("connections.use_connection")
    connection = _get_connection(connection_id)
    try:
        proof = prove(connection, body.source_project_id or "")
    except SourceError as error:
        raise BadRequest(error.message) from error
    poll_seconds = POLL_SECONDS if body.source_poll_seconds is None else body.source_poll_seconds
    naming = Naming(body.project_name, body.slug or "", body.project_description or "", poll_seconds)
    with transaction.atomic():
        project = keep_link(connection, proof, naming, by=actor_of(caller))
        note_added(caller, project)
    return project


def _get_connection(connection_id: UUID) -> Connection:
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        raise NotFoundError(f"There is no connection with the ID {connection_id}.")
    return connection


def ask_for_environments(project: Project, seen: Seen) -> list[EnvironmentOut]:
    """As the source tells now or, if it is slow, told last."""
    listing = environments_of(project)
    if listing.problem and not listing.entries:
        raise BadRequest(listing.problem)
    return seen.environments(project, EnvironmentOut.told_all(project, listing.entries))


def find_environment(project: Project, slug: str, seen: Seen) -> EnvironmentOut:
    found = next((each for each in ask_for_environments(project, seen) if each.slug == slug), None)
    if found is None:
        raise NotFoundError(f"The project {project.slug} has no environment {slug[:64]}.")
    return found
