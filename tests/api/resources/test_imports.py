"""Imports: their order decides, none leads in a circle, and each keeps its id for as long as it stands."""

from typing import Any

import pytest

from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import create_folder, create_project, set_secrets
from vault.models import Folder, Project, SecretImport

IMPORTS = "/api/v2/secret-imports"
NOBODY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def place(project: Project, folder: Folder) -> dict[str, str]:
    for name in ("one", "two", "three"):
        set_secrets(create_folder(folder.environment, f"/{name}", by=ANYBODY), {"SHARED": name}, by=ANYBODY)
    return {"projectId": str(project.pk), "environment": "dev", "path": "/my-secrets"}


@pytest.fixture
def ids(editor: Caller, place: dict[str, str]) -> list[str]:
    """Of the imports of one, two and three, in this order."""
    bodies = (place | source(f"/{name}") for name in ("one", "two", "three"))
    return [editor.post(IMPORTS, body)["secretImport"]["id"] for body in bodies]


def source(path: str, environment: str = "dev") -> dict[str, Any]:
    return {"import": {"environment": environment, "path": path}}


def listed(editor: Caller, place: dict[str, str]) -> list[str]:
    query = "&".join(f"{name}={text}" for name, text in place.items())
    rows = editor.get(f"{IMPORTS}?{query}")["secretImports"]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["importPath"] for row in rows]


MOVES = [
    pytest.param(0, 3, ["/two", "/three", "/one"], id="the first to the end"),
    pytest.param(2, 1, ["/three", "/one", "/two"], id="the last to the start"),
    pytest.param(0, 2, ["/two", "/one", "/three"], id="one down"),
    pytest.param(1, 2, ["/one", "/two", "/three"], id="to where it is"),
    pytest.param(0, 10_000, ["/two", "/three", "/one"], id="past the end"),
]


@pytest.mark.parametrize(("index", "position", "order"), MOVES)
def test_moves(
    editor: Caller, place: dict[str, str], ids: list[str], *, index: int, position: int, order: list[str]
) -> None:
    answer = editor.patch(f"{IMPORTS}/{ids[index]}", place | {"import": {"position": position}})

    assert answer["secretImport"]["id"] == ids[index]
    assert listed(editor, place) == order


def test_the_last_one_wins(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    query = f"projectId={place['projectId']}&environment=dev&secretPath=/my-secrets&viewSecretValue=true"
    address = f"/api/v4/secrets/SHARED?{query}&includeImports=true"
    assert editor.get(address)["secret"]["secretValue"] == "three"

    editor.patch(f"{IMPORTS}/{ids[0]}", place | {"import": {"position": 3}})

    assert editor.get(address)["secret"]["secretValue"] == "one"


def test_points_elsewhere_and_stays_the_same_import(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    """Terraform knows it by its id, and would make it again if that went."""
    create_folder(Folder.objects.get(environment__slug="prod", path="/").environment, "/live", by=ANYBODY)

    changed = editor.patch(f"{IMPORTS}/{ids[1]}", place | source("/live", "prod"))["secretImport"]

    assert (changed["id"], changed["importPath"], changed["importEnv"]["slug"]) == (ids[1], "/live", "prod")
    assert listed(editor, place) == ["/one", "/live", "/three"]
    assert editor.get(f"{IMPORTS}/{ids[1]}")["secretImport"] == changed


def test_points_elsewhere_and_moves_at_once(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    create_folder(Folder.objects.get(environment__slug="dev", path="/").environment, "/four", by=ANYBODY)

    editor.patch(f"{IMPORTS}/{ids[2]}", place | {"import": {"path": "/four", "position": 1}})

    assert listed(editor, place) == ["/four", "/one", "/two"]


REFUSED: list[Any] = [
    pytest.param(source("/my-secrets"), 422, id="itself"),
    pytest.param(source("/none"), 404, id="a folder that is not there"),
    pytest.param(source("/one", "none"), 404, id="an environment that is not there"),
    pytest.param(source("/one"), 400, id="what it imports already"),
    pytest.param({"import": {"position": 0}}, 422, id="a place before the first"),
    pytest.param({"import": {"position": None}}, 422, id="no place"),
    pytest.param({"import": {"path": None}}, 422, id="no path"),
    pytest.param({}, 422, id="nothing"),
]


@pytest.mark.parametrize(("body", "status"), REFUSED)
def test_a_change_that_is_refused_changes_nothing(
    editor: Caller, place: dict[str, str], ids: list[str], body: dict[str, Any], status: int
) -> None:
    editor.patch(f"{IMPORTS}/{ids[1]}", place | body, status=status)

    assert listed(editor, place) == ["/one", "/two", "/three"]
    assert [str(pk) for pk in SecretImport.objects.order_by("position").values_list("pk", flat=True)] == ids


def test_no_way_leads_in_a_circle(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    back = place | {"path": "/one"} | source("/my-secrets")
    assert "imports it already" in editor.post(IMPORTS, back, status=422)["message"][0]["message"]
    create_folder(Folder.objects.get(environment__slug="dev", path="/").environment, "/free", by=ANYBODY)
    free = editor.post(IMPORTS, place | {"path": "/one"} | source("/free"))["secretImport"]["id"]

    editor.patch(f"{IMPORTS}/{free}", place | {"path": "/one"} | source("/my-secrets"), status=422)

    assert listed(editor, place | {"path": "/one"}) == ["/free"]


def test_only_folders_of_the_project_can_be_imported(editor: Caller, place: dict[str, str]) -> None:
    other = create_project(name="Other", slug="other", environments=[("Dev", "secret-dev")], by=ANYBODY)

    editor.post(IMPORTS, place | source("/", "secret-dev"), status=404)

    assert other.environments.exists()
    assert listed(editor, place) == []


def test_is_not_found_from_another_folder(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    elsewhere = place | {"path": "/one"}

    assert "dev:/one" in editor.patch(f"{IMPORTS}/{ids[0]}", elsewhere | source("/two"), status=404)["message"]
    editor.delete(f"{IMPORTS}/{ids[0]}", elsewhere, status=404)
    editor.get(f"{IMPORTS}/{NOBODY}", status=404)

    assert listed(editor, place) == ["/one", "/two", "/three"]


def test_leaves_no_gap_when_one_goes(editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    gone = editor.delete(f"{IMPORTS}/{ids[0]}", place)["secretImport"]

    assert gone["importPath"] == "/one"
    assert listed(editor, place) == ["/two", "/three"]
    assert Folder.objects.filter(path="/one").exists(), "what it showed stays"


CHANGES = [
    pytest.param("PATCH", {"import": {"position": 1}}, id="the order"),
    pytest.param("PATCH", {"import": {"path": "/"}}, id="the source"),
    pytest.param("DELETE", {}, id="its end"),
]


@pytest.mark.parametrize(("method", "body"), CHANGES)
def test_what_a_sync_reads_by_it_is_synced_again(
    editor: Caller, place: dict[str, str], ids: list[str], sync: DevinSync, *, method: str, body: dict[str, Any]
) -> None:
    SyncRun.objects.all().delete()

    editor.ask(method, f"{IMPORTS}/{ids[2]}", place | body)

    assert SyncRun.objects.filter(sync=sync).count() == 1


def test_who_only_looks_changes_nothing(viewer: Caller, editor: Caller, place: dict[str, str], ids: list[str]) -> None:
    viewer.post(IMPORTS, place | source("/"), status=403)
    viewer.patch(f"{IMPORTS}/{ids[0]}", place | source("/"), status=403)
    viewer.delete(f"{IMPORTS}/{ids[0]}", place, status=403)

    assert listed(viewer, place) == ["/one", "/two", "/three"]


def test_replication_is_refused_rather_than_left_out(editor: Caller, place: dict[str, str]) -> None:
    editor.post(IMPORTS, place | source("/one") | {"isReplication": True}, status=422)

    assert (
        editor.post(IMPORTS, place | source("/one") | {"isReplication": False})["secretImport"]["isReplication"]
        is False
    )
