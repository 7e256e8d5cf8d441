"""Infisical among the kinds of sources."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from connections.infisical.client import InfisicalClient, segment
from connections.infisical.errors import Forbidden, NotFound
from connections.infisical.opening import open_client
from connections.models import Connection
from sources.errors import PlaceMissing
from sources.infisical.projects import load_project, project_in
from sources.infisical.rows import Unbelievable
from sources.infisical.source import InfisicalSource, translated
from sources.infisical.stored import read_contents
from sources.kinds import Kind, Opening, RemoteProject

LONGEST_SLUG = 64


def open_infisical(opening: Opening) -> InfisicalSource:
    connection = opening.through
    with translated():
        client = open_client(connection, patience=opening.patience, spares=opening.spares)
    whose = hashlib.sha256(connection.sealed_credentials.encode()).hexdigest()
    return InfisicalSource(client, opening.remote_id, whose=f"{connection.pk}/{whose}", shared=opening.patience is None)


def find_project(connection: Connection, text: str, patience: timedelta | None) -> RemoteProject:
    """By id or slug. A machine identity may look up a project it knows, where it may list none."""
    with opened(connection, patience) as client:
        project = _by_id(client, text) if _is_id(text) else _by_slug(client, text)
    return _remote(project)


def list_projects(connection: Connection, patience: timedelta | None) -> list[RemoteProject]:
    """Empty where the server has no such list for machine identities: an old one answers 403 or 404."""
    with opened(connection, patience) as client:
        return [_remote(project) for project in _listed(client)]


@contextmanager
def opened(connection: Connection, patience: timedelta | None) -> Iterator[InfisicalClient]:
    with translated(), open_client(connection, patience=patience) as client:
        yield client


def _by_id(client: InfisicalClient, project_id: str) -> dict[str, Any]:
    try:
        return load_project(client, project_id)
    except NotFound as error:
        found = next((each for each in _listed(client) if each["id"] == project_id), None)
        if found is None:
            raise error
        return found


def _by_slug(client: InfisicalClient, slug: str) -> dict[str, Any]:
    if not slug or len(slug) > LONGEST_SLUG or slug in (".", ".."):
        raise PlaceMissing("Could not look up the project in Infisical: enter its ID or its slug.")
    try:
        found = project_in(client.get(f"/api/v2/workspace/{segment(slug)}", {}, f"look up the project {slug}"))
    except NotFound as error:
        listed = next((each for each in _listed(client) if each.get("slug") == slug), None)
        if listed is None:
            raise error
        return listed
    if found.get("slug") != slug:
        raise Unbelievable("the answer is about another project")
    return found


def _listed(client: InfisicalClient) -> list[dict[str, Any]]:
    try:
        data = client.get("/api/v1/projects", {}, "list the projects in Infisical")
    except (Forbidden, NotFound):
        return []
    rows = data.get("projects")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unbelievable("the answer has no list of projects")
    return [project_in(row) for row in rows]


def _remote(project: dict[str, Any]) -> RemoteProject:
    slug, name = (text if isinstance(text := project.get(part), str) else "" for part in ("slug", "name"))
    return RemoteProject(project["id"], slug, name or slug or project["id"])


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


INFISICAL = Kind(
    name="infisical",
    label="Infisical",
    open=open_infisical,
    app="infisical",
    find_project=find_project,
    list_projects=list_projects,
    read_contents=read_contents,
    id_hint="Its ID or slug, from the project's settings in Infisical.",
    notifies=True,
    has_tags=True,
)
