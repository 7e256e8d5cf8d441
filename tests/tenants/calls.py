"""The requests of the API about a team: each route with its path, its query and its body filled with what is theirs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.api.test_authorization import routes
from tests.tenants.building import Tenant

# Ends the caller's own access, and names no row.
NOT_SENT = ("/auth/",)


@dataclass(frozen=True)
class Call:
    method: str
    address: str
    body: Any = None


def names_of(tenant: Tenant) -> dict[str, str]:
    """What is the team's, by the names that parameters and bodies have for it."""
    rows = tenant.rows
    project, folder, environment = rows["project"], rows["folder"], rows["environment"]
    return {
        "project_id": str(project.pk),
        "projectId": str(project.pk),
        "workspaceId": str(project.pk),
        "projectSlug": project.slug,
        "workspaceSlug": project.slug,
        "environment_id": str(environment.pk),
        "environment": environment.slug,
        "folder_id": str(folder.pk),
        "folder_path": folder.path.lstrip("/"),
        "path": folder.path,
        "secretPath": folder.path,
        "directory": folder.path,
        "secret_id": str(rows["secret"].pk),
        "secret_name": rows["secret"].key,
        "secretKey": rows["secret"].key,
        "import_id": str(rows["import"].pk),
        "tag_id": str(rows["tag"].pk),
        "tagSlugs": rows["tag"].slug,
        "sync_id": str(rows["sync"].pk),
        "sync_name": rows["sync"].name,
        "set_id": str(rows["set"].pk),
        "org_id": rows["member_of_set"].org_id,
        "rollout_id": str(rows["rollout"].pk),
        "run_id": str(rows["run"].pk),
        "connection_id": str(rows["connection"].pk),
        "connection_name": rows["connection"].name,
        "connectionId": str(rows["connection"].pk),
        "orgId": rows["sync"].org_id,
        "membership_id": str(rows["member"].pk),
        "identity_id": str(rows["identity"].pk),
        "group": rows["group"].name,
        **{f"{name}_id": str(rows[name].pk) for name in ("channel", "rule", "incident", "delivery")},
        **{f"{name}Id": str(rows[name].pk) for name in ("sync", "channel", "incident")},
        "username": tenant.user.get_username(),
    }


def calls(path_of: Tenant, rest_of: Tenant) -> Iterator[Call]:
    """Every route but those that log in: the path of one team, query and body of another. KeyError: undeclared."""
    for route, operation in routes():
        method, path = route.split(" ", 1)
        if any(part in path for part in NOT_SENT):
            continue
        declared = operation.get("parameters", [])
        query = _query(declared, names_of(rest_of))
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        yield Call(method, _filled(path, path_of) + query, _body(body, rest_of))


def _filled(path: str, tenant: Tenant) -> str:
    names = names_of(tenant) | {"slug": _slug_for(path, tenant)}
    return re.sub(r"\{(\w+)\}", lambda found: quote(names[found[1]]), path)


def _slug_for(path: str, tenant: Tenant) -> str:
    rows = tenant.rows
    if "/tags/" in path:
        return str(rows["tag"].slug)
    return str(rows["environment"].slug if "/environments/" in path else rows["project"].slug)


def _query(declared: list[dict[str, Any]], names: dict[str, str]) -> str:
    asked = {each["name"] for each in declared if each["in"] == "query"}
    given = {name: names[name] for name in sorted(asked & names.keys())}
    return f"?{urlencode(given)}" if given else ""


def _body(example: Any, tenant: Tenant, key: str = "") -> Any:
    names = names_of(tenant)
    if isinstance(example, dict):
        return {name: _body(value, tenant, name) for name, value in example.items()}
    if isinstance(example, list):
        return [_body(value, tenant, key.removesuffix("s")) for value in example]
    if key == "document":
        return document_of(tenant)
    return names.get(key, example)


def document_of(tenant: Tenant) -> str:
    """Takes hold of all that a document can name."""
    rows = tenant.rows
    return (
        f"connections:\n- {{name: {rows['connection'].name}, description: taken}}\n"
        f"syncs:\n- {{name: {rows['sync'].name}, project: {rows['project'].slug}, description: taken}}\n"
        f"- {{name: new, project: {rows['project'].slug}, environment: {rows['environment'].slug},"
        f" path: {rows['folder'].path}, connection: {rows['connection'].name}, org_id: {rows['sync'].org_id}}}\n"
    )
