"""What clients send besides: names that repeat the address, names of Infisical's own, forms, slashes at the end."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from accounts.roles import EDITOR
from api.models import MachineIdentity
from connections.models import Connection
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import API_KEY, ORG, Caller
from vault.editing import add_import, create_folder
from vault.models import Folder, Project, Secret

FORM = "application/x-www-form-urlencoded"
OTHER = str(uuid4())


@pytest.fixture
def place(folder: Folder) -> dict[str, str]:
    return {"workspaceId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


def send_form(caller: Caller, method: str, path: str, fields: Any) -> Any:
    headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    return caller.client.generic(method, path, urlencode(fields), content_type=FORM, headers=headers)


@pytest.mark.parametrize("base", ["/api/v3/secrets/raw", "/api/v4/secrets"])
@pytest.mark.parametrize("name", ["secretKey", "secretName", "SecretName"])
def test_a_secret_may_be_named_twice(editor: Caller, place: dict[str, str], base: str, name: str) -> None:
    editor.post(f"{base}/TOKEN", place | {name: "TOKEN", "secretValue": "t-1"})
    editor.patch(f"{base}/TOKEN", place | {name: "TOKEN", "secretValue": "t-2"})
    editor.delete(f"{base}/TOKEN", place | {name: "TOKEN"})


@pytest.mark.parametrize("given", ["OTHER", "token", 1, ["TOKEN"]])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_secret_may_not_be_named_otherwise(
    editor: Caller, place: dict[str, str], folder: Folder, method: str, given: Any
) -> None:
    answer = editor.ask(method, "/api/v3/secrets/raw/DB_URL", place | {"secretName": given}, status=422)

    assert answer["message"][0]["path"] == ["secretName"]
    assert Secret.objects.filter(folder=folder).count() == 2


def test_environments_may_name_their_project_and_themselves(editor: Caller, project: Project) -> None:
    base = f"/api/v1/workspace/{project.pk}/environments"
    named = {"workspaceId": str(project.pk), "projectId": str(project.pk).upper()}

    made = editor.post(base, {"name": "Test", "slug": "test"} | named)["environment"]
    itself = named | {"ID": made["id"], "id": made["id"]}
    editor.patch(f"{base}/{made['id']}", {"name": "Tests"} | itself)
    editor.patch(f"{base}/{made['id']}", {"name": "Tests", "ID": OTHER}, status=422)
    editor.post(base, {"name": "More", "slug": "more", "workspaceId": OTHER}, status=422)
    editor.delete(f"{base}/{made['id']}", itself)


def test_folders_and_imports_may_name_themselves(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    row = add_import(folder, shared, by=ANYBODY)
    at_root, in_folder = place | {"path": "/"}, place | {"path": "/my-secrets"}

    editor.patch(f"/api/v1/folders/{shared.pk}", at_root | {"id": str(shared.pk), "name": "common"})
    editor.patch(f"/api/v1/folders/{shared.pk}", at_root | {"id": OTHER, "name": "common"}, status=422)
    editor.patch(f"/api/v1/secret-imports/{row.pk}", in_folder | {"id": str(row.pk), "import": {"position": 1}})
    editor.delete(f"/api/v1/secret-imports/{row.pk}", in_folder | {"id": OTHER}, status=422)
    editor.delete(f"/api/v1/secret-imports/{row.pk}", in_folder | {"id": str(row.pk)})
    editor.delete("/api/v1/folders/common", at_root | {"folderName": "common", "directory": "/"})


def test_projects_may_name_themselves_and_an_organization(editor: Caller) -> None:
    made = editor.post("/api/v2/workspace", {"projectName": "Shop", "slug": "shop", "organizationSlug": "acme"})
    project_id = made["project"]["id"]

    editor.patch(f"/api/v1/projects/{project_id}", {"projectId": project_id, "name": "Web shop"})
    editor.patch(f"/api/v1/projects/{project_id}", {"projectId": OTHER, "name": "No shop"}, status=422)
    assert editor.get(f"/api/v1/projects/{project_id}")["project"]["name"] == "Web shop"


def test_connections_may_name_themselves(administrator: Caller, connection: Connection) -> None:
    body = {"App": "devin", "ID": str(connection.pk), "method": "api-key", "projectId": OTHER}

    changed = administrator.patch(f"/api/v1/app-connections/devin/{connection.pk}", body | {"description": "Ours"})

    assert changed["appConnection"]["description"] == "Ours"
    for wrong in ({"App": "aws"}, {"ID": OTHER}, {"method": "oauth"}):
        administrator.patch(f"/api/v1/app-connections/devin/{connection.pk}", body | wrong, status=422)


def test_syncs_may_name_themselves(editor: Caller, sync_body: dict[str, Any], queue: list[str]) -> None:
    extras = {"App": "devin", "ID": "", "method": "api-key"}
    made = editor.post("/api/v1/secret-syncs/devin", sync_body | extras)["secretSync"]
    itself = extras | {"ID": made["id"], "projectId": made["projectId"], "destination": "devin"}

    editor.patch(f"/api/v1/secret-syncs/devin/{made['id']}", itself | {"name": "renamed"})

    for wrong in ({"App": "github"}, {"ID": OTHER}, {"projectId": OTHER}, {"destination": "render"}):
        editor.patch(f"/api/v1/secret-syncs/devin/{made['id']}", itself | wrong, status=422)
    assert DevinSync.objects.get().name == "renamed"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_ignores_what_only_infisical_knows(editor: Caller, place: dict[str, str], method: str) -> None:
    path = "/api/v4/secrets/TOKEN" if method == "POST" else "/api/v4/secrets/DB_URL"
    body = place | {"secretValue": "t-1", "useSecretPersonalOverride": False, "approval": {"id": 1}}

    assert editor.ask(method, path, body)["secret"]["secretValue"] == "t-1"


@pytest.mark.parametrize("path", ["/api/v1/auth/universal-auth/login/", "/api/v1/auth/universal-auth/login//"])
def test_logs_in_with_a_slash_at_the_end(anonymous: Caller, path: str) -> None:
    from django.contrib.auth.models import Group

    identity = MachineIdentity.objects.create(name="cli", role=Group.objects.get(name=EDITOR))
    body = {"clientId": str(identity.client_id), "clientSecret": identity.add_secret()[1]}

    assert anonymous.post(path, body)["tokenType"] == "Bearer"
    logged_in = json.loads(send_form(anonymous, "POST", path.rstrip("/"), body).content)
    assert Caller(logged_in["accessToken"]).post("/api/v1/auth/checkAuth/") == {"message": "Authenticated"}


@pytest.mark.parametrize("path", ["/api/v1/projects/", "/api/v1/secret-syncs/options/", "/api/v4/secrets/DB_URL/"])
def test_a_slash_at_the_end_means_nothing(editor: Caller, place: dict[str, str], path: str) -> None:
    query = urlencode(place)

    assert editor.get(f"{path}?{query}") == editor.get(f"{path.rstrip('/')}?{query}")


def test_takes_forms_wherever_it_takes_an_object(editor: Caller, project: Project, place: dict[str, str]) -> None:
    made = send_form(editor, "POST", "/api/v1/projects", {"projectName": "Shop", "shouldCreateDefaultEnvs": "false"})
    assert json.loads(made.content)["project"]["environments"] == []

    base = f"/api/v1/projects/{project.pk}/environments"
    made = send_form(editor, "POST", base, {"name": "Test", "slug": "test", "position": "1"})
    assert json.loads(made.content)["environment"]["position"] == 1

    secret = place | {"secretValue": "true", "secretComment": "a=b&c ü"}
    made = send_form(editor, "POST", "/api/v4/secrets/FLAG", secret)
    assert json.loads(made.content)["secret"]["secretValue"] == "true"
    changed = send_form(editor, "PATCH", "/api/v4/secrets/FLAG", place | {"secretValue": "1"})
    assert json.loads(changed.content)["secret"]["secretComment"] == "a=b&c ü"
    assert send_form(editor, "DELETE", "/api/v4/secrets/FLAG", place).status_code == 200


def test_takes_nested_forms(administrator: Caller, sync_body: dict[str, Any], sandbox: Any, queue: list[str]) -> None:
    fields = {name: part for name, part in sync_body.items() if isinstance(part, str)} | {
        "syncOptions[initialSyncBehavior]": "overwrite-destination",
        "syncOptions[guardMaxDeletions]": "7",
        "syncOptions[disableSecretDeletion]": "true",
        "destinationConfig[orgId]": ORG,
    }
    made = json.loads(send_form(administrator, "POST", "/api/v1/secret-syncs/devin", fields).content)["secretSync"]
    assert made["syncOptions"]["guardMaxDeletions"] == 7
    assert made["syncOptions"]["disableSecretDeletion"] is True

    fields = {"name": "by-form", "credentials[apiKey]": API_KEY, "credentials[baseUrl]": sandbox.url}
    assert send_form(administrator, "POST", "/api/v1/app-connections/devin", fields).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 422),
        ("projectName=%FF", 400),
        ("projectName=%00", 400),
        ("a[b][c][d][e]=1", 400),
        ("a" + "[" * 10_000 + "=1", 400),
        ("a=1&a[b]=2", 400),
        ("&".join(f"a{number}=1" for number in range(2000)), 400),
        ("projectName=Shop&shouldCreateDefaultEnvs=maybe", 422),
    ],
)
def test_bad_forms_are_told_so(editor: Caller, body: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {editor.token}"}

    response = editor.client.generic("POST", "/api/v1/projects", body, content_type=FORM, headers=headers)

    assert response.status_code == status
    assert json.loads(response.content)["statusCode"] == status


def test_an_empty_path_is_the_root(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    at_root = place | {"secretPath": ""}
    editor.post("/api/v4/secrets/AT_ROOT", at_root | {"secretValue": "r"})

    for empty in ("", "%20"):
        query = f"workspaceId={place['workspaceId']}&environment=dev&secretPath={empty}"
        assert [each["secretKey"] for each in editor.get(f"/api/v3/secrets/raw?{query}")["secrets"]] == ["AT_ROOT"]
    folders = editor.get(f"/api/v1/folders?workspaceId={place['workspaceId']}&environment=dev&path=")["folders"]
    assert [each["name"] for each in folders] == ["my-secrets"]
    imported = {"environment": "dev", "path": ""}
    editor.post("/api/v1/secret-imports", place | {"path": "/my-secrets", "import": imported})


def test_a_folder_is_renamed_by_name(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    inner = create_folder(folder.environment, "/my-secrets/inner", by=ANYBODY)
    body = place | {"path": "/my-secrets", "name": "outer"}

    editor.patch("/api/v2/folders/inner", place | {"path": "/", "name": "outer"}, status=404)
    renamed = editor.patch("/api/v2/folders/inner", body)["folder"]

    assert (renamed["id"], renamed["path"]) == (str(inner.pk), "/my-secrets/outer")


@pytest.mark.parametrize("path", ["%2Fmy-secrets%2Finner", "/my-secrets/inner", "my-secrets/inner/"])
def test_a_folder_is_found_by_path(editor: Caller, folder: Folder, path: str) -> None:
    inner = create_folder(folder.environment, "/my-secrets/inner", by=ANYBODY)
    base = f"/api/v1/folders/{folder.environment.project_id}/dev"

    found = editor.get(f"{base}/{path}")["folder"]

    assert (found["id"], found["path"], found["environment"]["envSlug"]) == (str(inner.pk), "/my-secrets/inner", "dev")
    assert editor.get(f"{base}/%2F")["folder"]["path"] == "/"
    editor.get(f"{base}/none", status=404)
    editor.get(f"/api/v1/folders/{folder.environment.project_id}/none/%2F", status=404)


def test_a_batch_may_name_a_path_for_each_secret(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    inner = create_folder(folder.environment, "/my-secrets/inner", by=ANYBODY)
    secrets = [
        {"secretKey": "DB_URL", "secretValue": "changed"},
        {"secretKey": "NEW", "secretValue": "n", "secretPath": "/my-secrets/inner/"},
        {"secretKey": "DB_URL", "secretValue": "another", "secretPath": "/my-secrets/inner"},
    ]

    for base in ("/api/v3/secrets/batch/raw", "/api/v4/secrets/batch"):
        answer = editor.patch(base, place | {"mode": "upsert", "secrets": secrets})
        assert {(each["secretKey"], each["secretPath"]) for each in answer["secrets"]} == {
            ("DB_URL", "/my-secrets"),
            ("NEW", "/my-secrets/inner"),
            ("DB_URL", "/my-secrets/inner"),
        }
    assert sorted(inner.secrets.values_list("key", flat=True)) == ["DB_URL", "NEW"]
    doomed = [{"secretKey": "DB_URL"}, {"secretKey": "GONE", "secretPath": "/my-secrets/inner"}]
    editor.delete("/api/v4/secrets/batch", place | {"secrets": doomed}, status=404)
    assert folder.secrets.filter(key="DB_URL").exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/projects/{project}", {"name": None}),
        ("/api/v1/projects/{project}", {"slug": None}),
        ("/api/v2/workspace/acme-shop", {"name": None}),
        ("/api/v1/projects/{project}/environments/{environment}", {"name": None}),
        ("/api/v1/workspace/{project}/environments/{environment}", {"position": None}),
        ("/api/v1/app-connections/devin/{connection}", {"name": None}),
        ("/api/v1/app-connections/devin/{connection}", {"credentials": None}),
    ],
)
def test_nothing_becomes_null(
    administrator: Caller, folder: Folder, connection: Connection, path: str, body: dict[str, None]
) -> None:
    environment = folder.environment
    path = path.format(project=environment.project_id, environment=environment.pk, connection=connection.pk)

    answer = administrator.patch(path, body, status=422)

    assert answer["message"][0]["path"] == list(body)


def test_projects_have_all_of_the_older_routes(editor: Caller, viewer: Caller, project: Project) -> None:
    environment = project.environments.get(slug="dev")

    found = viewer.get(f"/api/v1/workspace/environments/{environment.pk}")["environment"]
    assert (found["slug"], found["projectId"]) == ("dev", str(project.pk))
    assert viewer.get(f"/api/v1/workspace/{project.pk}/environments/{environment.pk}")["environment"] == found
    viewer.get(f"/api/v1/workspace/environments/{OTHER}", status=404)

    for name in ("acme-shop", str(project.pk)):
        kept = editor.ask("PUT", f"/api/v1/workspace/{name}/audit-logs-retention", {"auditLogsRetentionDays": 30})
        assert "setting" in kept["message"]
    viewer.ask("PUT", "/api/v1/workspace/acme-shop/audit-logs-retention", {"auditLogsRetentionDays": 30}, status=403)

    editor.patch(f"/api/v1/workspace/{project.pk}", {"name": "Shop"})
    renamed = editor.patch("/api/v2/workspace/acme-shop", {"slug": "acme-shop", "name": "Acme shop"})
    assert renamed["name"] == "Acme shop"
    assert editor.delete("/api/v2/workspace/acme-shop")["id"] == str(project.pk)
    editor.delete(f"/api/v1/workspace/{project.pk}", status=404)


def test_tells_that_it_is_there(anonymous: Caller, viewer: Caller) -> None:
    assert anonymous.get("/api/status")["message"] == "Ok"
    assert viewer.post("/api/v1/auth/checkAuth") == {"message": "Authenticated"}
    anonymous.post("/api/v1/auth/checkAuth", status=401)
