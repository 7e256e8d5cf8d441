"""Projects that are kept elsewhere, and their syncs, through the REST API."""

from typing import Any
from uuid import UUID

import pytest

from connections.models import Connection
from sources.errors import Refused, Unavailable
from sources.models import LinkedProject
from syncs.choices import Status
from syncs.models import DevinSync
from tests.api.conftest import Caller
from tests.sources.memory import PROJECT_ID, Shelf
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder, Project

PROJECTS, SYNCS = "/api/v1/projects", "/api/v1/secret-syncs/devin"


@pytest.fixture
def body(shelf_connection: Connection) -> dict[str, Any]:
    return {"projectName": "Shelf", "sourceConnectionId": str(shelf_connection.pk), "sourceProjectId": "shelf"}


def test_a_project_is_linked_and_keeps_its_id(editor: Caller, shelf: Shelf, body: dict[str, Any]) -> None:
    shelf.put("dev", A="1")

    made = editor.post(PROJECTS, body | {"sourcePollSeconds": 300})["project"]

    assert made["id"] == PROJECT_ID
    assert made["source"] | {"connectionId": "", "lastReadAt": ""} == {
        "type": "memory", "connectionId": "", "connectionName": "shelf", "projectId": PROJECT_ID,
        "pollSeconds": 300, "lastReadAt": "", "lastError": None,
    }  # fmt: skip
    assert [each["slug"] for each in made["environments"]] == ["dev"]
    assert editor.get(f"{PROJECTS}/{PROJECT_ID}")["project"] == made
    assert made in editor.get(PROJECTS)["projects"]


def test_a_project_of_the_vault_says_so(editor: Caller) -> None:
    made = editor.post(PROJECTS, {"projectName": "Here"})["project"]

    assert (made["source"]["type"], made["source"]["connectionId"]) == ("vault", None)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"sourceProjectId": "nope"}, (400, "no project nope")),
        ({"sourceProjectId": None}, (422, "both sourceConnectionId and sourceProjectId")),
        ({"sourceConnectionId": "0b5f3f5e-0000-4000-8000-000000000000"}, (404, "no connection")),
        ({"sourcePollSeconds": -1}, (422, "sourcePollSeconds")),
    ],
)
def test_what_cannot_be_linked_is_said(
    editor: Caller, shelf: Shelf, body: dict[str, Any], change: dict[str, Any], refusal: tuple[int, str]
) -> None:
    shelf.put("dev", A="1")

    answer = editor.post(PROJECTS, body | change, status=refusal[0])

    assert refusal[1] in str(answer["message"])
    assert not Project.objects.exists()


def test_a_connection_to_devin_links_nothing(editor: Caller, connection: Connection, body: dict[str, Any]) -> None:
    answer = editor.post(PROJECTS, body | {"sourceConnectionId": str(connection.pk)}, status=422)

    assert "leads to no source" in str(answer["message"])


def test_a_refusal_of_the_source_is_a_mistake_in_the_request(
    editor: Caller, shelf: Shelf, body: dict[str, Any]
) -> None:
    shelf.says = Refused("The shelf does not know this reader. Enter its key again.")

    assert "Enter its key again" in editor.post(PROJECTS, body, status=400)["message"]


def test_its_environments_are_asked_for_and_remembered(editor: Caller, shelf: Shelf, shelf_project: Project) -> None:
    LinkedProject.objects.update(listed_at=None)
    shelf.put("qa", A="1")
    told = editor.get(f"{PROJECTS}/{PROJECT_ID}/environments")["environments"]
    assert [(each["slug"], each["position"]) for each in told] == [("dev", 1), ("prod", 2), ("qa", 3)]

    shelf.says = Unavailable("The shelf did not answer. It is asked again.")
    LinkedProject.objects.update(listed_at=None)

    assert editor.get(f"{PROJECTS}/{PROJECT_ID}/environments")["environments"] == told
    assert editor.get(f"{PROJECTS}/{PROJECT_ID}/environments/slug/qa")["slug"] == "qa"
    editor.get(f"{PROJECTS}/{PROJECT_ID}/environments/slug/nope", status=404)


EDITS = [
    ("POST", f"{PROJECTS}/{PROJECT_ID}/environments", {"name": "QA", "slug": "qa"}),
    ("POST", "/api/v2/folders", {"projectId": PROJECT_ID, "environment": "dev", "name": "x"}),
    ("POST", "/api/v4/secrets/A", {"projectId": PROJECT_ID, "environment": "dev", "secretValue": "1"}),
    ("PATCH", "/api/v4/secrets/A", {"projectId": PROJECT_ID, "environment": "dev", "secretValue": "1"}),
    ("DELETE", "/api/v4/secrets/A", {"projectId": PROJECT_ID, "environment": "dev"}),
    ("POST", f"{PROJECTS}/{PROJECT_ID}/tags", {"slug": "red", "name": "Red", "color": "#f00"}),
    ("GET", f"/api/v4/secrets?projectId={PROJECT_ID}&environment=dev", None),
    ("GET", f"/api/v4/secrets/A?projectId={PROJECT_ID}&environment=dev", None),
    ("GET", f"/api/v2/folders?projectId={PROJECT_ID}&environment=dev", None),
]


@pytest.mark.parametrize(("method", "path", "sent"), EDITS)
def test_its_contents_are_neither_read_nor_edited_here(
    editor: Caller, shelf_project: Project, method: str, path: str, sent: Any
) -> None:
    answer = editor.ask(method, path, sent, status=400)

    assert "live in Memory: shelf" in answer["message"]


def test_how_often_to_look_can_be_changed(editor: Caller, shelf_project: Project) -> None:
    changed = editor.patch(f"{PROJECTS}/{PROJECT_ID}", {"sourcePollSeconds": 0})["project"]

    assert changed["source"]["pollSeconds"] == 0


def test_of_a_project_of_the_vault_it_cannot(editor: Caller, project: Project) -> None:
    answer = editor.patch(f"{PROJECTS}/{project.pk}", {"sourcePollSeconds": 60}, status=422)

    assert "not linked" in str(answer["message"])


# Syncs


@pytest.fixture
def wanted(shelf_project: Project, connection: Connection, rung: list[str]) -> dict[str, Any]:
    return {
        "name": "from-the-shelf", "projectId": PROJECT_ID, "connectionId": str(connection.pk), "environment": "dev",
        "secretPath": "/app", "syncOptions": {"initialSyncBehavior": "overwrite-destination"},
        "destinationConfig": {"orgId": ORG},
    }  # fmt: skip


def test_a_sync_is_made_and_runs(editor: Caller, wanted: dict[str, Any], organization: Any) -> None:
    made = editor.post(SYNCS, wanted)["secretSync"]

    assert made["environment"] | {"id": ""} == {"slug": "dev", "name": "Dev", "id": ""}
    assert made["folder"] == {"id": made["folderId"], "path": "/app"}
    sync = DevinSync.objects.get()
    run = Bench(sync, Folder()).carry_out(sync.runs.get())
    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"C": "3"})


def test_the_ids_of_folder_and_environment_stay_the_same(editor: Caller, wanted: dict[str, Any]) -> None:
    made = editor.post(SYNCS, wanted)["secretSync"]
    again = editor.post(SYNCS, wanted | {"name": "another"})["secretSync"]
    below = editor.post(SYNCS, wanted | {"name": "third", "secretPath": "/"})["secretSync"]

    assert UUID(made["folderId"]) == UUID(again["folderId"]) != UUID(below["folderId"])
    assert made["environment"]["id"] == again["environment"]["id"] == below["environment"]["id"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"environment": "nope"}, "has no environment “nope”. It has: dev, prod"),
        ({"secretPath": "/nope"}, "There is no folder /nope in shelf, dev."),
    ],
)
def test_a_place_that_the_source_does_not_have_is_refused(
    editor: Caller, wanted: dict[str, Any], change: dict[str, str], says: str
) -> None:
    assert says in editor.post(SYNCS, wanted | change, status=400)["message"]


def test_a_sync_moves_to_another_place(editor: Caller, wanted: dict[str, Any]) -> None:
    made = editor.post(SYNCS, wanted)["secretSync"]

    moved = editor.patch(f"{SYNCS}/{made['id']}", {"environment": "prod", "secretPath": "/"})["secretSync"]

    assert (moved["environment"]["slug"], moved["folder"]["path"]) == ("prod", "/")
    assert moved["folderId"] != made["folderId"]


@pytest.mark.parametrize("option", ["onlyTags", "exceptTags"])
def test_a_source_without_tags_says_so_at_the_option(
    editor: Caller, shelf: Shelf, wanted: dict[str, Any], option: str
) -> None:
    options = {"initialSyncBehavior": "overwrite-destination", option: "devin"}

    refused = editor.post(SYNCS, wanted | {"syncOptions": options}, status=400)

    assert "The secrets of Memory carry no tags to choose by." in str(refused)
    assert DevinSync.objects.count() == 0
    made = editor.post(SYNCS, wanted)["secretSync"]
    editor.patch(f"{SYNCS}/{made['id']}", {"syncOptions": options}, status=400)
    assert DevinSync.objects.get().chooses_by_tags is False


def test_keys_that_stand_in_two_folders_are_found_beforehand(editor: Caller, shelf: Shelf, wanted: Any) -> None:
    shelf.put("dev", "/twice", C="4")

    asked = {"projectId": PROJECT_ID, "environment": "dev", "secretPath": "/"}
    answer = editor.post(f"{SYNCS}/check-conflicts", asked)

    assert answer["conflicts"] == [{"key": "C", "sourceKey": "C", "paths": ["/app", "/twice"]}]
