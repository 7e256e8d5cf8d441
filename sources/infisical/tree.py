"""Folders and imports of a project, each list whole or an error. Raises InfisicalError or Unbelievable."""

from typing import Any

from connections.infisical.client import InfisicalClient
from connections.infisical.errors import NotFound
from sources.infisical.rows import Unbelievable
from sources.protocol import ROOT, Place

MOST_FOLDERS = 2_000


def folders_at(client: InfisicalClient, project_id: str, place: Place) -> dict[str, str]:
    """The folders right below a place: their ids by name."""
    rows = _folders(client, project_id, place, recursive=False)
    return {_name(row): _id(row) for row in rows if row.get("isReserved") is not True}


def folders_below(client: InfisicalClient, project_id: str, place: Place) -> dict[str, str]:
    """All folders below a place: their ids by path. One question to a newer server; an older one is walked through."""
    rows = _folders(client, project_id, place, recursive=True)
    if rows and all(isinstance(row.get("relativePath"), str) for row in rows):
        _require_an_end(len(rows))
        return {
            _joined(place.path, row["relativePath"].strip("/")): _id(row)
            for row in rows
            if row.get("isReserved") is not True
        }
    found: dict[str, str] = {}
    waiting = [place.path]
    while waiting:
        path = waiting.pop()
        for name, id_ in folders_at(client, project_id, Place(place.environment_slug, path)).items():
            below = _joined(path, name)
            found[below] = id_
            waiting.append(below)
        _require_an_end(len(found))
    return found


def _require_an_end(count: int) -> None:
    if count > MOST_FOLDERS:
        raise Unbelievable(
            f"it has more than {MOST_FOLDERS:,} folders",
            "Type the path in place of choosing it; with subfolders, sync folders further down.",
        )


def imports_at(client: InfisicalClient, project_id: str, place: Place) -> list[Place]:
    """Where a folder imports from, in order; nothing where a server has no such list."""
    try:
        listed = all_imports_at(client, project_id, place)
    except NotFound as error:
        if error.is_route:
            return []
        raise
    # Replicated ones are secrets of their own, in a reserved folder.
    return [imported for imported, is_replica in listed if not is_replica]


def all_imports_at(client: InfisicalClient, project_id: str, place: Place) -> list[tuple[Place, bool]]:
    """Where a folder imports from, in order, and whether Infisical keeps a replica of it."""
    what = f"list the imports of {place} in Infisical"
    at = {"environment": place.environment_slug, "path": place.path}
    calls = {
        "/api/v2/secret-imports": {"projectId": project_id, **at},
        "/api/v1/secret-imports": {"workspaceId": project_id, **at},
    }
    rows = client.get_either(calls, what).get("secretImports")
    if not isinstance(rows, list):
        raise Unbelievable("the answer has no list of imports")
    return [(_imported(row), row.get("isReplication") is True) for row in rows]


def _imported(row: Any) -> Place:
    environment = row.get("importEnv") if isinstance(row, dict) else None
    slug = environment.get("slug") if isinstance(environment, dict) else None
    path = row.get("importPath") if isinstance(row, dict) else None
    if not isinstance(slug, str) or not isinstance(path, str):
        raise Unbelievable("an import does not say from where")
    return Place(slug, "/" + path.strip("/"))


def _folders(client: InfisicalClient, project_id: str, place: Place, *, recursive: bool) -> list[dict[str, Any]]:
    what = f"list the folders of {place} in Infisical"
    at = {"environment": place.environment_slug, "path": place.path, "recursive": "true" if recursive else "false"}
    calls = {
        "/api/v2/folders": {"projectId": project_id, **at},
        "/api/v1/folders": {"workspaceId": project_id, **at},
    }
    rows = client.get_either(calls, what).get("folders")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unbelievable("the answer has no list of folders")
    return rows


def _joined(path: str, name: str) -> str:
    return f"{'' if path == ROOT else path}/{name}"


def _name(row: dict[str, Any]) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not name or "/" in name:
        raise Unbelievable("a folder has no name")
    return name


def _id(row: dict[str, Any]) -> str:
    id_ = row.get("id")
    return id_ if isinstance(id_, str) else ""
