"""What Infisical's Terraform provider, command line and GitHub action send, one by one, and what they need back.

Each row is a method, an address, a body, the status, and what of the answer the client reads, as `name.name=value` or
a name that must be there. `{…}` stands for what an earlier answer told. Written down from what these programs document.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group

from accounts.roles import ADMINISTRATOR
from api.models import MachineIdentity
from sandbox.server import Sandbox
from tests.api.conftest import API_KEY, ORG, Caller
from tests.api.sdk.operations import documented, operations_in
from vault.models import Folder

Row = tuple[str, str, Any, int, list[str]]

LOG_IN = "/api/v1/auth/universal-auth/login"
V3 = "/api/v3/secrets/raw"
HERE = {"workspaceId": "{project}", "environment": "dev", "secretPath": "/my-secrets"}
AT = "workspaceId={project}&environment=dev&secretPath=%2Fmy-secrets"
TAGS = "/api/v1/workspace/{project}/tags"
ENVIRONMENTS = "/api/v1/workspace/{project}/environments"
CONNECTIONS, SYNCS = "/api/v1/app-connections/devin", "/api/v1/secret-syncs/devin"
OPTIONS = {"initialSyncBehavior": "overwrite-destination", "disableSecretDeletion": False, "keySchema": ""}

# Its structures go out whole: what stands in the address stands in the body too.
TERRAFORM: list[Row] = [
    ("POST", LOG_IN, {"clientId": "{id}", "clientSecret": "{secret}"}, 200, ["accessToken>token"]),
    (
        "POST",
        "/api/v2/workspace",
        {"projectName": "Shop", "slug": "shop", "organizationSlug": "acme", "shouldCreateDefaultEnvs": True},
        200,
        ["project.id>shop", "project.slug=shop"],
    ),
    ("GET", "/api/v2/workspace/shop", None, 200, ["id={shop}", "environments", "name=Shop"]),
    ("GET", "/api/v1/workspace/{shop}", None, 200, ["workspace.slug=shop"]),
    ("PATCH", "/api/v2/workspace/shop", {"slug": "shop", "name": "Web shop"}, 200, ["name=Web shop"]),
    ("PUT", "/api/v1/workspace/shop/audit-logs-retention", {"auditLogsRetentionDays": 30}, 200, ["message"]),
    (
        "POST",
        ENVIRONMENTS,
        {"name": "Test", "workspaceId": "{project}", "slug": "test", "position": 3},
        200,
        ["environment.id>env"],
    ),
    ("GET", "/api/v1/workspace/environments/{env}", None, 200, ["environment.slug=test"]),
    ("GET", ENVIRONMENTS + "/{env}", None, 200, ["environment.position=3"]),
    (
        "PATCH",
        ENVIRONMENTS + "/{env}",
        {"name": "Tests", "slug": "test", "workspaceId": "{project}", "ID": "{env}", "position": 3},
        200,
        ["environment.name=Tests"],
    ),
    ("DELETE", ENVIRONMENTS + "/{env}", {"workspaceId": "{project}", "ID": "{env}"}, 200, ["environment.id={env}"]),
    (
        "POST",
        "/api/v1/folders",
        {"workspaceId": "{project}", "environment": "dev", "name": "made", "path": "/", "description": ""},
        200,
        ["folder.id>folder"],
    ),
    ("GET", "/api/v1/folders/{folder}", None, 200, ["folder.path=/made", "folder.environment.envSlug=dev"]),
    ("GET", "/api/v1/folders?workspaceId={project}&environment=dev&path=%2F", None, 200, ["folders.0.id"]),
    ("GET", "/api/v1/folders/{project}/dev/%2Fmade", None, 200, ["folder.id={folder}"]),
    (
        "PATCH",
        "/api/v1/folders/{folder}",
        {"id": "{folder}", "name": "renamed", "workspaceId": "{project}", "environment": "dev", "path": "/"},
        200,
        ["folder.name=renamed"],
    ),
    (
        "POST",
        "/api/v1/secret-imports",
        {
            "workspaceId": "{project}",
            "environment": "dev",
            "path": "/my-secrets",
            "isReplication": False,
            "import": {"environment": "dev", "path": "/renamed"},
        },
        200,
        ["secretImport.id>import"],
    ),
    ("GET", "/api/v1/secret-imports/{import}", None, 200, ["secretImport.importPath=/renamed"]),
    (
        "DELETE",
        "/api/v1/secret-imports/{import}",
        {"id": "{import}", "workspaceId": "{project}", "environment": "dev", "path": "/my-secrets"},
        200,
        ["secretImport.id={import}"],
    ),
    (
        "DELETE",
        "/api/v1/folders/{folder}",
        {"id": "{folder}", "workspaceId": "{project}", "environment": "dev", "path": "/"},
        200,
        ["folder.id={folder}"],
    ),
    ("POST", TAGS, {"name": "Hot", "slug": "hot", "color": "#ff0000"}, 200, ["workspaceTag.id>tag"]),
    ("GET", TAGS, None, 200, ["workspaceTags.0.slug=hot"]),
    (
        "POST",
        V3 + "/TOKEN",
        HERE
        | {
            "type": "shared",
            "secretKey": "TOKEN",
            "secretValue": "t-1",
            "secretComment": "",
            "secretReminderNote": "",
            "secretReminderRepeatDays": 0,
            "tagIds": ["{tag}"],
        },
        200,
        ["secret.tags.0.slug=hot"],
    ),
    ("GET", f"{V3}/TOKEN?{AT}&type=shared", None, 200, ["secret.secretValue=t-1", "secret.version=1"]),
    (
        "PATCH",
        V3 + "/TOKEN",
        HERE | {"type": "shared", "secretName": "TOKEN", "secretValue": "t-2", "tagIds": []},
        200,
        ["secret.secretValue=t-2"],
    ),
    (
        "GET",
        f"{V3}?environment=dev&workspaceId={{project}}&secretPath=%2Fmy-secrets",
        None,
        200,
        ["secrets.0.secretKey"],
    ),
    ("DELETE", V3 + "/TOKEN", HERE | {"type": "shared", "secretName": "TOKEN"}, 200, ["secret.secretKey=TOKEN"]),
    (
        "POST",
        CONNECTIONS,
        {
            "App": "devin",
            "name": "terraform",
            "description": "",
            "method": "api-key",
            "credentials": {"apiKey": API_KEY, "baseUrl": "{devin}"},
            "projectId": "{project}",
        },
        200,
        ["appConnection.id>connection", "appConnection.credentialsHash"],
    ),
    (
        "PATCH",
        CONNECTIONS + "/{connection}",
        {"App": "devin", "ID": "{connection}", "method": "api-key", "name": "terraform", "description": "Ours"},
        200,
        ["appConnection.description=Ours"],
    ),
    ("GET", CONNECTIONS + "/{connection}", None, 200, ["appConnection.method=api-key"]),
    (
        "POST",
        SYNCS,
        {
            "App": "devin",
            "name": "terraform",
            "projectId": "{project}",
            "description": "",
            "connectionId": "{connection}",
            "environment": "dev",
            "secretPath": "/my-secrets",
            "isAutoSyncEnabled": False,
            "syncOptions": {**OPTIONS, "keySchema": "T_{{secretKey}}"},
            "destinationConfig": {"orgId": ORG},
        },
        200,
        ["secretSync.id>sync", "secretSync.isAutoSyncEnabled=False", "secretSync.environment.slug=dev"],
    ),
    ("GET", SYNCS + "/{sync}", None, 200, ["secretSync.destinationConfig.orgId=" + ORG]),
    (
        "PATCH",
        SYNCS + "/{sync}",
        {
            "App": "devin",
            "ID": "{sync}",
            "name": "terraform",
            "projectId": "{project}",
            "description": "Ours",
            "connectionId": "{connection}",
            "environment": "dev",
            "secretPath": "/my-secrets",
            "isAutoSyncEnabled": False,
            "syncOptions": OPTIONS,
            "destinationConfig": {"orgId": ORG},
        },
        200,
        ["secretSync.description=Ours", "secretSync.version=2"],
    ),
    ("DELETE", SYNCS + "/{sync}", None, 200, ["secretSync.id={sync}"]),
    ("DELETE", CONNECTIONS + "/{connection}", None, 200, ["appConnection.id={connection}"]),
    ("DELETE", "/api/v2/workspace/shop", None, 200, []),
]
# It logs in with a slash at the end, and names folders and secrets in its bodies.
COMMAND_LINE: list[Row] = [
    ("POST", LOG_IN + "/", {"clientId": "{id}", "clientSecret": "{secret}"}, 200, ["accessToken>token", "expiresIn"]),
    (
        "GET",
        f"{V3}?{AT}&include_imports=true&recursive=false&expandSecretReferences=true",
        None,
        200,
        ["secrets.0.secretKey=API_KEY", "imports"],
    ),
    ("POST", V3 + "/TOKEN", HERE | {"type": "shared", "secretValue": "t-1", "secretKey": "TOKEN"}, 200, ["secret.id"]),
    (
        "PATCH",
        V3 + "/TOKEN",
        HERE | {"type": "shared", "secretValue": "t-2", "secretName": "TOKEN"},
        200,
        ["secret.id"],
    ),
    ("GET", f"{V3}/TOKEN?{AT}&include_imports=true&type=shared", None, 200, ["secret.secretValue=t-2"]),
    ("DELETE", V3 + "/TOKEN", HERE | {"type": "shared", "secretName": "TOKEN"}, 200, ["secret.secretKey=TOKEN"]),
    ("GET", "/api/v1/folders?workspaceId={project}&environment=dev&path=%2F", None, 200, ["folders.0.name"]),
    (
        "POST",
        "/api/v1/folders",
        {"name": "made", "workspaceId": "{project}", "environment": "dev", "path": "/"},
        200,
        ["folder.id", "folder.name=made"],
    ),
    (
        "DELETE",
        "/api/v1/folders/made",
        {"folderName": "made", "workspaceId": "{project}", "environment": "dev", "directory": "/"},
        200,
        ["folder.name=made"],
    ),
    ("GET", "/api/v1/workspace", None, 200, ["workspaces.0.id"]),
    ("POST", "/api/v1/auth/token/renew", {"accessToken": "{token}"}, 200, ["accessToken"]),
]
# It logs in with a form, and takes imports itself, the last one first.
ACTION: list[Row] = [
    ("FORM", LOG_IN, {"clientId": "{id}", "clientSecret": "{secret}"}, 200, ["accessToken>token"]),
    (
        "GET",
        f"{V3}?secretPath=%2Fmy-secrets&environment=dev&include_imports=true&recursive=false"
        "&expandSecretReferences=true&workspaceSlug=acme-shop",
        None,
        200,
        ["secrets.1.secretValue=postgres://db", "imports"],
    ),
]
PROGRAMS = {"Terraform provider": TERRAFORM, "CLI": COMMAND_LINE, "GitHub action": ACTION}


@pytest.fixture
def known(folder: Folder, sandbox: Sandbox) -> dict[str, str]:
    identity = MachineIdentity.objects.create(name="recorded", role=Group.objects.get(name=ADMINISTRATOR))
    return {
        "project": str(folder.environment.project_id),
        "id": str(identity.client_id),
        "secret": identity.add_secret()[1],
        "devin": sandbox.url,
    }


def filled(part: Any, known: dict[str, str]) -> Any:
    if isinstance(part, str):
        return re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda match: known[match[1]], part)
    if isinstance(part, dict):
        return {name: filled(each, known) for name, each in part.items()}
    return [filled(each, known) for each in part] if isinstance(part, list) else part


def at(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[int(name)] if name.isdigit() else answer[name]
    return answer


def play(caller: Caller, row: Row, known: dict[str, str]) -> str:
    method, address, body, status, _ = row
    address, body = filled(address, known), filled(body, known)
    if method == "FORM":
        form = "application/x-www-form-urlencoded"
        response = caller.client.generic("POST", address, urlencode(body), content_type=form)
    else:
        response = caller.send(method, address, body)
    assert response.status_code == status, (row, response.content[:500])
    learn(json.loads(response.content), row, known)
    return f"{'POST' if method == 'FORM' else method} {address.split('?')[0]}"


def learn(answer: Any, row: Row, known: dict[str, str]) -> None:
    for wanted in row[4]:
        path, sign, rest = re.fullmatch(r"([\w.]+)([=>]?)(.*)", wanted).groups()  # type: ignore[union-attr]
        found = at(answer, path)
        if sign == ">":
            known[rest] = str(found)
        elif sign == "=":
            assert str(found) == filled(rest, known), (row, path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_is_answered_as_it_needs(program: str, known: dict[str, str], anonymous: Caller, queue: list[str]) -> None:
    def sent() -> Iterator[str]:
        for row in PROGRAMS[program]:
            yield play(Caller(known.get("token", "")), row, known)

    assert operations_in(sent()) == documented(program)
