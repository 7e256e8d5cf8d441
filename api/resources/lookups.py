"""Finds what a request names, or says that there is none."""

from uuid import UUID

from api.http.errors import BadRequest, NotFoundError
from sources.errors import SourceError
from sources.finding import find_place
from sources.protocol import Found
from vault.elsewhere import check_kept_here
from vault.models import Environment, Project


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
