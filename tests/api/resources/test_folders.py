"""Folders: found by id, name and path, made with those above them, and never half gone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import create_folder, set_secrets
from vault.models import Folder, Project, Secret

FOLDERS = "/api/v2/folders"
NOBODY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def place(project: Project) -> dict[str, str]:
    return {"projectId": str(project.pk), "environment": "dev"}


def paths(project: Project) -> list[str]:
    return sorted(Folder.objects.filter(environment__slug="dev").values_list("path", flat=True))


CREATED: list[Any] = [
    pytest.param({"name": "api"}, "/api", id="at the root"),
    pytest.param({"name": "api", "path": "/"}, "/api", id="at the root, said so"),
    pytest.param({"name": "api", "path": "/a/b"}, "/a/b/api", id="below folders that are missing"),
    pytest.param({"name": "api", "path": "/a/b/"}, "/a/b/api", id="with a slash too many"),
    pytest.param({"name": "api", "directory": "/a"}, "/a/api", id="by the older name of a path"),
    pytest.param({"name": "  api  "}, "/api", id="without blanks around the name"),
]


@pytest.mark.parametrize(("body", "path"), CREATED)
@pytest.mark.parametrize("base", ["/api/v1/folders", FOLDERS])
def test_creates(editor: Caller, place: dict[str, str], base: str, body: dict[str, str], path: str) -> None:
    made = editor.post(base, place | body)["folder"]

    assert made["path"] == path
    assert editor.get(f"{FOLDERS}/{made['id']}")["folder"]["path"] == path


REFUSED: list[Any] = [
    pytest.param({}, 422, id="no name"),
    pytest.param({"name": ""}, 422, id="an empty name"),
    pytest.param({"name": "a b"}, 422, id="a blank within"),
    pytest.param({"name": "a.b"}, 422, id="a dot"),
    pytest.param({"name": ".."}, 422, id="a way out"),
    pytest.param({"name": "x" * 256}, 422, id="too long"),
    pytest.param({"name": "a", "path": "/a//b"}, 422, id="an empty folder on the way"),
    pytest.param({"name": "a", "path": "/" + "/".join(["x" * 200] * 6)}, 422, id="a path too long"),
    pytest.param({"name": "a", "environment": "none"}, 404, id="no such environment"),
    pytest.param({"name": "a", "projectId": NOBODY}, 404, id="no such project"),
    pytest.param({"name": "a", "projectId": None}, 400, id="no project"),
    pytest.param({"name": "a", "description": "x" * 257}, 422, id="a description too long"),
]


@pytest.mark.parametrize(("body", "status"), REFUSED)
def test_refuses_to_create(
    editor: Caller, project: Project, place: dict[str, str], body: dict[str, Any], status: int
) -> None:
    editor.post(FOLDERS, place | body, status=status)

    assert paths(project) == ["/"]


def test_a_folder_is_there_once(editor: Caller, project: Project, place: dict[str, str]) -> None:
    editor.post(FOLDERS, place | {"name": "a"})

    assert "/a" in editor.post(FOLDERS, place | {"name": "a"}, status=400)["message"]
    assert paths(project) == ["/", "/a"]


def test_moves_what_is_below_when_it_is_renamed(
    editor: Caller, project: Project, folder: Folder, place: dict[str, str]
) -> None:
    create_folder(folder.environment, "/my-secrets/deep/er", by=ANYBODY)

    renamed = editor.patch(f"{FOLDERS}/{folder.pk}", place | {"name": "renamed"})["folder"]

    assert (renamed["id"], renamed["path"]) == (str(folder.pk), "/renamed")
    assert paths(project) == ["/", "/renamed", "/renamed/deep", "/renamed/deep/er"]
    assert Secret.objects.filter(folder=folder).count() == 2


def test_a_new_description_changes_no_name(editor: Caller, folder: Folder, place: dict[str, str]) -> None:
    changed = editor.patch(f"{FOLDERS}/{folder.pk}", place | {"name": "my-secrets", "description": "why"})["folder"]

    assert (changed["name"], changed["description"], changed["path"]) == ("my-secrets", "why", "/my-secrets")


def test_a_name_beside_it_is_taken(editor: Caller, project: Project, folder: Folder, place: dict[str, str]) -> None:
    create_folder(folder.environment, "/other", by=ANYBODY)

    refused = editor.patch(f"{FOLDERS}/{folder.pk}", place | {"name": "other"}, status=400)

    assert "other" in refused["message"]
    assert "/my-secrets" in paths(project)


def test_the_root_has_no_other_name_and_goes_only_with_its_environment(
    editor: Caller, project: Project, place: dict[str, str]
) -> None:
    root = Folder.objects.get(environment__slug="dev", path="/")

    assert editor.patch(f"{FOLDERS}/{root.pk}", place | {"name": "renamed"}, status=422)["message"]
    assert "root" in editor.delete(f"{FOLDERS}/{root.pk}", place, status=400)["message"]
    assert paths(project) == ["/"]


def test_a_folder_of_another_environment_is_not_found_here(
    editor: Caller, project: Project, folder: Folder, place: dict[str, str]
) -> None:
    elsewhere = place | {"environment": "prod"}

    editor.patch(f"{FOLDERS}/{folder.pk}", elsewhere | {"name": "x"}, status=404)
    editor.delete(f"{FOLDERS}/{folder.pk}", elsewhere, status=404)
    editor.delete(f"{FOLDERS}/my-secrets", elsewhere, status=404)

    assert paths(project) == ["/", "/my-secrets"]


def test_goes_with_all_that_is_in_it(editor: Caller, project: Project, folder: Folder, place: dict[str, str]) -> None:
    create_folder(folder.environment, "/my-secrets/deep", by=ANYBODY)

    gone = editor.delete(f"{FOLDERS}/{folder.pk}", place | {"forceDelete": True})["folder"]

    assert gone["path"] == "/my-secrets"
    assert paths(project) == ["/"]
    assert not Secret.objects.exists()


def test_stays_while_another_imports_it(
    editor: Caller, project: Project, folder: Folder, place: dict[str, str]
) -> None:
    create_folder(folder.environment, "/app", by=ANYBODY)
    imported = {"import": {"environment": "dev", "path": "/my-secrets"}}
    editor.post("/api/v2/secret-imports", place | {"path": "/app"} | imported)

    refused = editor.delete(f"{FOLDERS}/{folder.pk}", place, status=400)

    assert "dev:/app" in refused["message"]
    assert "/my-secrets" in paths(project)


def test_a_sync_loses_its_source_and_nothing_else(
    editor: Caller, folder: Folder, place: dict[str, str], sync: DevinSync
) -> None:
    editor.delete(f"{FOLDERS}/{folder.pk}", place)

    sync.refresh_from_db()
    assert (sync.folder, sync.source_path) == (None, "/my-secrets")


def test_lists_what_changed_since(editor: Caller, project: Project, folder: Folder, place: dict[str, str]) -> None:
    create_folder(folder.environment, "/empty", by=ANYBODY)
    old = create_folder(folder.environment, "/old", by=ANYBODY)
    set_secrets(old, {"A": "1"}, by=ANYBODY)
    Secret.objects.filter(folder=old).update(updated_at=timezone.now() - timedelta(days=9))
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = f"projectId={project.pk}&environment=dev"

    listed = editor.get(f"{FOLDERS}?{query}&lastSecretModified={since}")["folders"]

    assert [each["name"] for each in listed] == ["my-secrets"]
    assert len(editor.get(f"{FOLDERS}?{query}")["folders"]) == 3


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_any_time_may_be_asked_after(editor: Caller, project: Project, folder: Folder, moment: str) -> None:
    query = f"projectId={project.pk}&environment=dev&lastSecretModified={moment.replace('+', '%2B')}"

    listed = editor.get(f"{FOLDERS}?{query}")["folders"]

    assert len(listed) == (0 if moment.startswith("9") else 1)


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01T00:00:00Z", ""])
def test_a_time_that_is_none_is_told_so(editor: Caller, project: Project, moment: str) -> None:
    editor.get(f"{FOLDERS}?projectId={project.pk}&environment=dev&lastSecretModified={moment}", status=422)


def test_what_is_not_there_is_not_found(editor: Caller, project: Project) -> None:
    editor.get(f"{FOLDERS}/{NOBODY}", status=404)
    editor.get(f"{FOLDERS}/{project.pk}/none", status=404)
    editor.get(f"{FOLDERS}/{project.pk}/dev/none", status=404)
    editor.get(f"{FOLDERS}?projectId={project.pk}&environment=dev&path=/none", status=404)


def test_tells_root_from_others(editor: Caller, project: Project, folder: Folder) -> None:
    root = editor.get(f"{FOLDERS}/{project.pk}/dev")["folder"]
    below = editor.get(f"{FOLDERS}/{folder.pk}")["folder"]

    assert (root["name"], root["path"], root["parentId"]) == ("root", "/", None)
    assert (below["parentId"], below["lastSecretModified"] is not None) == (root["id"], True)


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "x"}), ("DELETE", {})])
def test_who_only_looks_changes_nothing(
    viewer: Caller, project: Project, folder: Folder, place: dict[str, str], *, method: str, body: dict[str, str]
) -> None:
    viewer.ask(method, f"{FOLDERS}/{folder.pk}", place | body, status=403)
    viewer.post(FOLDERS, place | {"name": "x"}, status=403)

    assert paths(project) == ["/", "/my-secrets"]
