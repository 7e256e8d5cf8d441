"""Projects, environments, folders, imports and secrets; the official clients walk the same routes in `sdk`."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from api.models import ApiToken
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import add_import, create_folder, set_secrets
from vault.models import Folder, Project, Secret

V3 = "/api/v3/secrets"
V4 = "/api/v4/secrets"


@pytest.fixture
def place(folder: Folder) -> dict[str, str]:
    return {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


@pytest.fixture
def query(place: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in place.items())


@pytest.fixture
def shared(folder: Folder) -> Folder:
    """A folder that `folder` imports."""
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"REGION": "eu", "API_KEY": "shadowed"}, by=ANYBODY)
    add_import(folder, shared, by=ANYBODY)
    return shared


def values(secrets: list[dict[str, Any]]) -> dict[str, str]:
    return {secret["secretKey"]: secret["secretValue"] for secret in secrets}


def test_a_secret_has_all_of_infisicals_fields(editor: Caller, query: str) -> None:
    secret = editor.get(f"{V4}/DB_URL?{query}")["secret"]

    assert secret["id"] == secret["_id"]
    assert set(secret) == {
        *("id", "_id", "workspace", "environment", "version", "type", "secretKey", "secretValue", "secretComment"),
        *("secretReminderNote", "secretReminderRepeatDays", "skipMultilineEncoding", "createdAt", "updatedAt"),
        *("actor", "isRotatedSecret", "rotationId", "secretValueHidden", "secretPath", "secretMetadata", "tags"),
    }


def test_v4_lists_imports_apart(editor: Caller, query: str, shared: Folder) -> None:
    answer = editor.get(f"{V4}?{query}")

    assert values(answer["secrets"]) == {"API_KEY": "k-123", "DB_URL": "postgres://db"}
    (imported,) = answer["imports"]
    assert (imported["secretPath"], imported["environment"]) == ("/shared", "dev")
    assert values(imported["secrets"]) == {"REGION": "eu", "API_KEY": "shadowed"}
    assert "createdAt" not in imported["secrets"][0]


@pytest.mark.parametrize(
    ("said", "count"),
    [("", 0), ("&include_imports=true", 1), ("&includeImports=true", 1), ("&includeImports=false", 0)],
)
def test_v3_lists_imports_on_request(editor: Caller, query: str, shared: Folder, said: str, count: int) -> None:
    query = query.replace("projectId", "workspaceId")

    assert len(editor.get(f"{V3}/raw?{query}{said}")["imports"]) == count


def test_finds_a_single_secret_in_imports(editor: Caller, query: str, shared: Folder) -> None:
    assert editor.get(f"{V4}/REGION?{query}")["secret"]["secretValue"] == "eu"
    editor.get(f"{V4}/REGION?{query}&includeImports=false", status=404)
    editor.get(f"{V3}/raw/REGION?{query}", status=404)


def test_expands_references_by_default_in_v4_only(editor: Caller, folder: Folder, query: str) -> None:
    set_secrets(folder, {"URL": "x-${API_KEY}"}, by=ANYBODY)

    assert editor.get(f"{V4}/URL?{query}")["secret"]["secretValue"] == "x-k-123"
    assert editor.get(f"{V3}/raw/URL?{query}")["secret"]["secretValue"] == "x-${API_KEY}"
    assert editor.get(f"{V4}/URL?{query}&expandSecretReferences=false")["secret"]["secretValue"] == "x-${API_KEY}"


def test_values_need_the_right_to_reveal_them(viewer: Caller, query: str) -> None:
    viewer.get(f"{V4}?{query}", status=403)
    viewer.get(f"{V4}/DB_URL?{query}", status=403)

    hidden = viewer.get(f"{V4}?{query}&viewSecretValue=false")["secrets"]
    one = viewer.get(f"{V4}/DB_URL?{query}&viewSecretValue=false")["secret"]

    assert {secret["secretValueHidden"] for secret in (*hidden, one)} == {True}
    assert "postgres" not in str((hidden, one))


def test_notes_who_read_values(editor: Caller, query: str, folder: Folder) -> None:
    editor.get(f"{V4}?{query}")

    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (
        str(folder.pk),
        "Read the values of 2 secrets through the API with API token tests.",
    )


def test_needs_a_project_that_is_there(editor: Caller, project: Project) -> None:
    editor.get(f"{V4}?environment=dev", status=400)
    editor.get(f"{V4}?environment=dev&projectId=none", status=404)
    editor.get(f"{V4}?environment=none&projectId={project.pk}", status=404)
    editor.get(f"{V4}?projectId={project.pk}", status=422)


def test_creates_changes_renames_and_deletes(editor: Caller, place: dict[str, str], query: str) -> None:
    created = editor.post(f"{V4}/TOKEN", place | {"secretValue": "t-1", "secretComment": "why"})["secret"]
    assert (created["secretKey"], created["secretValue"], created["version"]) == ("TOKEN", "t-1", 1)
    assert editor.get(f"{V4}/id/{created['id']}")["secret"]["secretValue"] == "t-1"

    changed = editor.patch(f"{V4}/TOKEN", place | {"secretValue": "t-2", "newSecretName": "KEY"})["secret"]
    assert (changed["secretKey"], changed["secretValue"], changed["version"]) == ("KEY", "t-2", 2)
    assert editor.get(f"{V4}/KEY?{query}&version=1")["secret"]["secretValue"] == "t-1"

    editor.delete(f"{V4}/KEY", place)
    editor.get(f"{V4}/KEY?{query}", status=404)


def test_refuses_what_breaks_a_rule_without_repeating_it(editor: Caller, place: dict[str, str]) -> None:
    too_long = "canary" * 20_000

    for body in ({"secretValue": too_long}, {"secretValue": ["canary"]}, {"secretComment": {"canary": 1}}):
        answer = editor.post(f"{V4}/TOKEN", place | body, status=422)
        assert "canarycanary" not in str(answer)
        assert set(answer["message"][0]) == {"code", "path", "message"}

    editor.post(f"{V4}/1BAD", place | {"secretValue": "a"}, status=422)
    editor.post(f"{V4}/TOKEN", place | {"secretValue": "a", "type": "personal"}, status=400)
    editor.post(f"{V4}/DB_URL", place | {"secretValue": "a"}, status=400)


@pytest.mark.parametrize("base", [f"{V4}/batch", f"{V3}/batch/raw"])
def test_writes_many_at_once_or_none(editor: Caller, place: dict[str, str], base: str) -> None:
    new = [{"secretKey": "A", "secretValue": "1"}, {"secretKey": "B", "secretValue": "2"}]

    assert values(editor.post(base, place | {"secrets": new})["secrets"]) == {"A": "1", "B": "2"}
    editor.post(base, place | {"secrets": [{"secretKey": "C"}, {"secretKey": "A"}]}, status=400)
    assert not Secret.objects.filter(key="C").exists()

    changed = [{"secretKey": "A", "secretValue": "3"}, {"secretKey": "D", "secretValue": "4"}]
    editor.patch(base, place | {"secrets": changed}, status=404)
    assert len(editor.patch(base, place | {"secrets": changed, "mode": "ignore"})["secrets"]) == 1
    assert values(editor.patch(base, place | {"secrets": changed, "mode": "upsert"})["secrets"]) == {"A": "3", "D": "4"}

    doomed = [{"secretKey": key} for key in ("A", "B", "D")]
    assert len(editor.delete(base, place | {"secrets": doomed})["secrets"]) == 3
    editor.delete(base, place | {"secrets": doomed}, status=404)


def test_a_change_starts_the_syncs_that_read_it(editor: Caller, place: dict[str, str], sync: DevinSync) -> None:
    editor.patch(f"{V4}/DB_URL", place | {"secretValue": "new"})

    assert SyncRun.objects.get().trigger == Trigger.CHANGE


def test_a_kept_answer_is_sealed(editor: Caller, place: dict[str, str]) -> None:
    from api.models import IdempotencyKey

    sent = place | {"secretValue": "canary"}
    first = editor.post(f"{V4}/TOKEN", sent, Idempotency_Key="k")

    assert editor.post(f"{V4}/TOKEN", sent, Idempotency_Key="k") == first
    row = IdempotencyKey.objects.get()
    assert "canary" not in row.sealed_answer + row.fingerprint


def test_a_kept_answer_is_not_for_a_narrower_token(editor: Caller, place: dict[str, str]) -> None:
    """The same person's, with the same key and body, but without the right to read values."""
    sent = place | {"secretValue": "canary"}
    editor.post(f"{V4}/TOKEN", sent, Idempotency_Key="k")
    owner = User.objects.get(username="editor")
    narrow = Caller(ApiToken.issue(owner, "narrow", scopes=["vault:write"])[1])

    narrow.post(f"{V4}/TOKEN", sent, status=422, Idempotency_Key="k")


def test_folders_page_by_page(editor: Caller, project: Project, folder: Folder) -> None:
    for number in range(4):
        below = create_folder(folder.environment, f"/my-secrets/f{number}", by=ANYBODY)
        if number != 2:
            set_secrets(below, {"A": "1"}, by=ANYBODY)
    query = f"projectId={project.pk}&environment=dev&path=/my-secrets"

    def names(more: str) -> list[str]:
        return [each["name"] for each in editor.get(f"/api/v2/folders?{query}{more}")["folders"]]

    assert names("") == ["f0", "f1", "f2", "f3"]
    assert names("&limit=2&offset=1") == ["f1", "f2"]
    assert names("&recursive=true&limit=1") == ["f0"]
    assert names("&lastSecretModified=2001-01-01T00:00:00Z&limit=2&offset=1") == ["f1", "f3"]
    assert names("&offset=4") == []
    editor.get(f"/api/v2/folders?{query}&limit=1001", status=422)


def test_folders_one_by_one_and_all_below(editor: Caller, project: Project, folder: Folder) -> None:
    place = {"workspaceId": str(project.pk), "environment": "dev", "path": "/my-secrets"}
    created = editor.post("/api/v1/folders", place | {"name": "api"})["folder"]

    query = f"projectId={project.pk}&environment=dev"
    listed = editor.get(f"/api/v2/folders?{query}&recursive=True")["folders"]

    assert [each["relativePath"] for each in listed] == ["my-secrets", "my-secrets/api"]
    assert [each["name"] for each in editor.get(f"/api/v2/folders?{query}")["folders"]] == ["my-secrets"]
    found = editor.get(f"/api/v2/folders/{created['id']}")["folder"]
    assert (found["path"], found["environment"]["envSlug"]) == ("/my-secrets/api", "dev")
    since = "2999-01-01T00:00:00Z"
    assert editor.get(f"/api/v2/folders?{query}&lastSecretModified={since}")["folders"] == []
    editor.delete("/api/v2/folders/api", place)
    editor.get(f"/api/v2/folders/{created['id']}", status=404)


@pytest.mark.postgresql
def test_folders_below_are_told_apart_by_case(editor: Caller, project: Project) -> None:
    environment = project.environments.get(slug="dev")
    for path in ("/app/x", "/App/y", "/app_z"):
        create_folder(environment, path, by=ANYBODY)

    query = f"projectId={project.pk}&environment=dev&recursive=true"
    listed = {
        path: [each["relativePath"] for each in editor.get(f"/api/v2/folders?{query}&path={path}")["folders"]]
        for path in ("/app", "/App")
    }

    assert listed == {"/app": ["x"], "/App": ["y"]}


def test_imports_in_order(editor: Caller, project: Project, folder: Folder) -> None:
    for name in ("one", "two"):
        create_folder(folder.environment, f"/{name}", by=ANYBODY)
    place = {"projectId": str(project.pk), "environment": "dev", "path": "/my-secrets"}
    path = "/api/v2/secret-imports"
    first, second = (
        editor.post(path, place | {"import": {"environment": "dev", "path": f"/{name}"}})["secretImport"]
        for name in ("one", "two")
    )

    editor.patch(f"{path}/{second['id']}", place | {"import": {"position": 1}})

    listed = editor.get(f"{path}?projectId={project.pk}&environment=dev&path=/my-secrets")["secretImports"]
    assert [each["importPath"] for each in listed] == ["/two", "/one"]
    editor.patch(f"{path}/{first['id']}", place | {"import": {"path": "/"}})
    editor.post(path, place | {"import": {"environment": "dev", "path": "/my-secrets"}}, status=422)
    editor.delete(f"{path}/{second['id']}", place)
    assert len(editor.get(f"{path}?projectId={project.pk}&environment=dev&path=/my-secrets")["secretImports"]) == 1


def test_projects_and_environments(editor: Caller) -> None:
    project = editor.post("/api/v1/projects", {"projectName": "Billing"})["project"]
    base = f"/api/v1/projects/{project['id']}"

    assert (project["slug"], [each["slug"] for each in project["environments"]]) == (
        "billing",
        ["dev", "staging", "prod"],
    )
    assert editor.get(base)["project"] == project
    assert editor.get("/api/v2/workspace/billing") == project
    assert editor.get(f"/api/v1/workspace/{project['id']}")["workspace"] == project
    assert editor.get("/api/v1/projects/slug/billing")["project"] == project
    added = editor.post(f"{base}/environments", {"name": "Preview", "slug": "preview"})["environment"]
    by_slug = editor.get(f"{base}/environments/slug/preview")
    assert (by_slug["id"], by_slug["position"], by_slug["environment"]) == (added["id"], 4, added)
    editor.patch(f"{base}/environments/{added['id']}", {"name": "Review"})
    assert editor.get(f"{base}/environments/{added['id']}")["environment"]["name"] == "Review"
    editor.delete(f"{base}/environments/{added['id']}")
    assert len(editor.get(f"{base}/environments")["environments"]) == 3
    assert editor.patch(base, {"name": "Invoices"})["project"]["name"] == "Invoices"
    editor.post("/api/v2/workspace", {"projectName": "Other", "slug": "billing"}, status=400)
    editor.delete(base)
    assert editor.get("/api/v1/projects") == {"projects": []}


def test_a_project_with_syncs_stays(editor: Caller, sync: DevinSync) -> None:
    answer = editor.delete(f"/api/v1/projects/{sync.project_id}", status=400)

    assert "my-devin-sync" in answer["message"]
