"""A project as Infisical tells it. Raises InfisicalError, or Unbelievable where an answer is not what was asked for."""

from typing import Any

from connections.infisical.client import InfisicalClient, segment
from sources.infisical.rows import Unbelievable
from sources.protocol import EnvironmentEntry


def load_project(client: InfisicalClient, project_id: str) -> dict[str, Any]:
    """The project as Infisical tells it, by its id. Raises InfisicalError or Unbelievable."""
    what = f"look up the project {project_id[:64]} in Infisical"
    calls: dict[str, dict[str, str]] = {
        f"/api/v1/workspace/{segment(project_id)}": {},
        f"/api/v1/projects/{segment(project_id)}": {},
    }
    project = project_in(client.get_either(calls, what))
    if project.get("id") != project_id:
        raise Unbelievable("the answer is about another project")
    return project


def project_in(data: dict[str, Any]) -> dict[str, Any]:
    project = next((data[name] for name in ("workspace", "project") if isinstance(data.get(name), dict)), data)
    if not isinstance(project.get("id"), str) or not project["id"]:
        raise Unbelievable("the answer names no project")
    return dict(project)


def environments_in(project: dict[str, Any]) -> list[EnvironmentEntry]:
    rows = project.get("environments")
    if not isinstance(rows, list):
        raise Unbelievable("the answer lists no environments")
    entries = []
    for row in rows:
        slug, name, id_ = (row.get(part) if isinstance(row, dict) else None for part in ("slug", "name", "id"))
        if not isinstance(slug, str) or not slug:
            raise Unbelievable("an environment has no slug")
        entries.append(EnvironmentEntry(slug, _text(name) or slug, _text(id_)))
    return entries


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
