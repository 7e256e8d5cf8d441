"""Query parameters are understood or refused: nothing is handed out that was to be filtered away."""

import pytest

from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import create_folder
from vault.models import Folder

V3 = "/api/v3/secrets/raw"
V4 = "/api/v4/secrets"
CANARY = "k-123"


@pytest.fixture
def query(folder: Folder) -> str:
    return f"projectId={folder.environment.project_id}&environment=dev"


@pytest.mark.parametrize("address", [V3, V4, f"{V4}/API_KEY", f"{V3}/API_KEY"])
@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ("tags=none", "Did you mean tagSlugs?"),
        ("metadata=key%3Da%2Cvalue%3Db", ""),
        ("directory=/other", "There are: "),
        ("path=/other", "There are: "),
        ("view_secret_value=false", "Did you mean viewSecretValue?"),
        ("secretpath=/other", "Did you mean secretPath?"),
        ("Environment=prod", "Did you mean environment?"),
        ("search=x", "There are: "),
        ("secretName=OTHER", ""),
        ("environment=prod", "more than once"),
    ],
)
def test_what_is_not_understood_is_refused(editor: Caller, query: str, address: str, more: str, hint: str) -> None:
    answer = editor.get(f"{address}?{query}&secretPath=/my-secrets&{more}", status=400)

    assert hint in answer["message"]
    assert CANARY not in str(answer)


@pytest.mark.parametrize(
    "more",
    [
        "tagSlugs=&metadataFilter=&workspaceSlug=",
        "includePersonalOverrides=true",
        "workspaceSlug=acme-shop",
        "recursive=false&viewSecretValue=true&expandSecretReferences=true&includeImports=false&include_imports=false",
        "environment=dev",
    ],
)
def test_what_official_clients_send_is_understood(editor: Caller, query: str, more: str) -> None:
    assert len(editor.get(f"{V3}?{query}&secretPath=/my-secrets&{more}")["secrets"]) == 2


def test_what_repeats_the_address_is_understood(editor: Caller, query: str) -> None:
    more = "secretName=API_KEY&secretKey=API_KEY&secretPath=/my-secrets&type=shared"

    assert editor.get(f"{V4}/API_KEY?{query}&{more}")["secret"]["secretValue"] == CANARY


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_folders_take_the_older_spelling_of_their_path(
    editor: Caller, folder: Folder, query: str, version: str
) -> None:
    create_folder(folder.environment, "/my-secrets/api", by=ANYBODY)

    def names(more: str) -> list[str]:
        return [each["name"] for each in editor.get(f"/api/{version}/folders?{query}&{more}")["folders"]]

    assert names("directory=/my-secrets") == names("path=/my-secrets&directory=/my-secrets") == ["api"]
    assert names("directory=/") == ["my-secrets"]
    editor.get(f"/api/{version}/folders?{query}&path=/my-secrets&directory=/other", status=400)
    editor.get(f"/api/{version}/folders?{query}&folderName=api", status=400)


def test_other_lists_are_as_strict(editor: Caller, query: str) -> None:
    project = query.split("&", maxsplit=1)[0]
    for path in ("/api/v1/secret-syncs", "/api/v1/secret-syncs/devin"):
        assert editor.get(f"{path}?{project}")
        editor.get(f"{path}?{project}&name=other", status=400)
    editor.get(f"/api/v2/secret-imports?{query}&folderId=1", status=400)


def test_connections_belong_to_all_projects(administrator: Caller, query: str) -> None:
    assert administrator.get(f"/api/v1/app-connections/devin?{query.split('&', maxsplit=1)[0]}") == {
        "appConnections": []
    }
    administrator.get("/api/v1/app-connections/devin?name=other", status=400)


def test_who_may_not_ask_is_told_only_that(anonymous: Caller, viewer: Caller, query: str) -> None:
    anonymous.get(f"{V4}?{query}&tagSlugs=x", status=401)
