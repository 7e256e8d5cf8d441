from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry

from api.resources.base import EXAMPLE_ID
from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from tests.actors import ANYBODY
from tests.api.conftest import ORG, Caller, make_caller, make_user
from vault.editing import create_folder, delete_folder, rename_folder, set_secrets
from vault.models import Folder, Project

SYNCS = "/api/v1/secret-syncs"
DEVIN = f"{SYNCS}/devin"


def options(**more: object) -> dict[str, Any]:
    return {"initialSyncBehavior": "overwrite-destination"} | more


def issues(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(".".join(map(str, issue["path"])), issue["message"]) for issue in answer["message"]]


def test_lists_what_a_sync_can_write_to(viewer: Caller) -> None:
    assert viewer.get(f"{SYNCS}/options") == {
        "secretSyncOptions": [
            {
                "name": "Devin",
                "connection": "devin",
                "destination": "devin",
                "canImportSecrets": False,
                "canRemoveSecretsOnDeletion": True,
            }
        ]
    }


def test_finds_a_sync_by_project_id_and_name(viewer: Caller, sync: DevinSync) -> None:
    project = sync.project_id

    found = viewer.get(f"{DEVIN}/{sync.pk}")["secretSync"]

    assert found["id"] == str(sync.pk)
    assert viewer.get(f"{SYNCS}?projectId={project}")["secretSyncs"] == [found]
    assert viewer.get(f"{DEVIN}?projectId={project}")["secretSyncs"] == [found]
    assert viewer.get(f"{DEVIN}/sync-name/my-devin-sync?projectId={project}")["secretSync"] == found


def test_what_is_not_there_is_not_found(viewer: Caller, project: Project) -> None:
    viewer.get(f"{DEVIN}/{project.pk}", status=404)
    viewer.get(f"{DEVIN}/sync-name/none?projectId={project.pk}", status=404)
    viewer.get(f"{DEVIN}/no-uuid", status=422)
    viewer.get(SYNCS, status=422)
    assert viewer.get(f"{SYNCS}?projectId=none") == {"secretSyncs": []}


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        pytest.param({}, (True, True, False), id="what is not said is the default"),
        pytest.param({"isEnabled": False}, (False, True, False), id="isEnabled is the sync's own switch"),
        pytest.param({"isAutoSyncEnabled": False}, (True, False, False), id="isAutoSyncEnabled"),
        pytest.param({"syncOptions": options(autoSyncEnabled=False)}, (True, False, False), id="autoSyncEnabled"),
        pytest.param(
            {"isAutoSyncEnabled": False, "syncOptions": options(autoSyncEnabled=False)}, (True, False, False), id="both"
        ),
        pytest.param({"syncOptions": options(recursive=True)}, (True, True, True), id="recursive"),
        pytest.param({"syncOptions": options(includeAllSubFolders=True)}, (True, True, True), id="its other spelling"),
    ],
)
@pytest.mark.usefixtures("queue")
def test_accepts_every_spelling(
    editor: Caller, sync_body: dict[str, Any], spelled: dict[str, Any], meant: tuple[bool, bool, bool]
) -> None:
    enabled, auto, recursive = meant

    created = editor.post(DEVIN, sync_body | spelled)["secretSync"]

    found = editor.get(f"{DEVIN}/{created['id']}")["secretSync"]
    assert found["isEnabled"] is enabled
    assert found["isAutoSyncEnabled"] is auto
    assert found["syncOptions"]["autoSyncEnabled"] is auto
    assert found["syncOptions"].get("recursive", False) is recursive
    assert found["syncOptions"].get("includeAllSubFolders", False) is recursive
    assert (found["syncStatus"] == "pending") is (enabled and auto)


@pytest.mark.parametrize(
    "spelled",
    [
        {"isAutoSyncEnabled": True, "syncOptions": options(autoSyncEnabled=False)},
        {"syncOptions": options(recursive=True, includeAllSubFolders=False)},
    ],
)
def test_refuses_contradictions(editor: Caller, sync_body: dict[str, Any], spelled: dict[str, Any]) -> None:
    answer = editor.post(DEVIN, sync_body | spelled, status=422)

    assert "contradict" in issues(answer)[0][1]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"name": "my_sync"}, "name"),
        ({"name": "a--b"}, "name"),
        ({"name": "a" * 257}, "name"),
        ({"description": "d" * 257}, "description"),
        ({"connectionId": "none"}, "connectionId"),
        ({"secretPath": " "}, "secretPath"),
        ({"isEnabled": "yes"}, "isEnabled"),
        ({"syncOptions": {}}, "syncOptions.initialSyncBehavior"),
        ({"syncOptions": {"initialSyncBehavior": "import-prioritize-source"}}, "syncOptions.initialSyncBehavior"),
        ({"syncOptions": options(keySchema="NO_KEY")}, "syncOptions.keySchema"),
        ({"syncOptions": options(keySchema="{{ secretKey }}")}, "syncOptions.keySchema"),
        ({"syncOptions": options(disableSecretDelete=True)}, "syncOptions.disableSecretDelete"),
        ({"destinationConfig": {"orgId": "acme"}}, "destinationConfig.orgId"),
        ({"owner": 1}, "owner"),
        ({"version": 9}, "version"),
    ],
)
def test_names_the_field_that_is_wrong(
    editor: Caller, sync_body: dict[str, Any], part: dict[str, Any], path: str
) -> None:
    answer = editor.post(DEVIN, sync_body | part, status=422)

    assert [found for found, _ in issues(answer)] == [path]
    assert (answer["error"], answer["statusCode"]) == ("ValidationFailure", 422)


def test_says_why_importing_is_impossible(editor: Caller, sync_body: dict[str, Any]) -> None:
    body = sync_body | {"syncOptions": {"initialSyncBehavior": "import-prioritize-destination"}}

    assert "returns no values" in issues(editor.post(DEVIN, body, status=422))[0][1]


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ({"environment": "none"}, 400),
        ({"secretPath": "/none"}, 400),
        ({"projectId": "none"}, 404),
        ({"connectionId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, 404),
    ],
)
def test_refuses_what_it_cannot_find(
    editor: Caller, sync_body: dict[str, Any], part: dict[str, Any], status: int
) -> None:
    editor.post(DEVIN, sync_body | part, status=status)


def test_a_name_is_taken_once_in_a_project(editor: Caller, sync_body: dict[str, Any], sync: DevinSync) -> None:
    answer = editor.post(DEVIN, sync_body | {"name": " My-Devin-Sync "}, status=400)

    assert "already has a sync named my-devin-sync" in answer["message"]


@pytest.mark.usefixtures("queue")
def test_shows_options_of_ours_only_where_they_are_set(editor: Caller, sync_body: dict[str, Any]) -> None:
    ours = {"keySchema": "P_{{secretKey}}", "onlyDeleteManaged": True, "guardMaxDeletions": 3, "reconcileMinutes": 60}

    created = editor.post(DEVIN, sync_body | {"syncOptions": options(**ours, guardMaxPercent=30)})["secretSync"]

    standard = {"initialSyncBehavior", "autoSyncEnabled", "disableSecretDeletion"}
    assert {k: v for k, v in created["syncOptions"].items() if k not in standard} == ours | {"strangers": "leave"}


@pytest.mark.usefixtures("queue")
def test_refuses_subfolders_that_clash(editor: Caller, sync_body: dict[str, Any], folder: Folder) -> None:
    below = create_folder(folder.environment, "/my-secrets/api", by=ANYBODY)
    set_secrets(below, {"DB_URL": "other"}, by=ANYBODY)

    answer = editor.post(DEVIN, sync_body | {"syncOptions": options(recursive=True)}, status=400)

    assert "/my-secrets/api" in answer["message"]
    place = {name: sync_body[name] for name in ("projectId", "environment", "secretPath")}
    paths = ["/my-secrets", "/my-secrets/api"]
    assert editor.post(f"{DEVIN}/check-conflicts", place) == {
        "conflicts": [{"key": "DB_URL", "sourceKey": "DB_URL", "paths": paths}]
    }
    with_schema = place | {"keySchema": "{{environment}}_{{secretKey}}"}
    assert editor.post(f"{DEVIN}/check-conflicts", with_schema) == {
        "conflicts": [{"key": "dev_DB_URL", "sourceKey": "DB_URL", "paths": paths}]
    }


def test_changes_a_part_and_queues_a_run(editor: Caller, sync: DevinSync) -> None:
    changed = editor.patch(f"{DEVIN}/{sync.pk}", {"name": "renamed"})["secretSync"]

    assert (changed["name"], changed["version"], changed["syncStatus"]) == ("renamed", 2, "pending")
    assert SyncRun.objects.get().trigger == Trigger.EDIT


def test_replaces_sync_options_whole_but_for_the_switch(editor: Caller, sync: DevinSync) -> None:
    sync.key_schema, sync.disable_secret_deletion, sync.auto_sync_enabled = "P_{{secretKey}}", True, False
    sync.save()

    changed = editor.patch(f"{DEVIN}/{sync.pk}", {"syncOptions": options()})["secretSync"]

    assert changed["syncOptions"] == options(autoSyncEnabled=False, disableSecretDeletion=False)
    assert not SyncRun.objects.exists()


def test_moves_to_another_folder(editor: Caller, sync: DevinSync, project: Project) -> None:
    create_folder(project.environments.get(slug="prod"), "/other", by=ANYBODY)

    changed = editor.patch(f"{DEVIN}/{sync.pk}", {"environment": "prod", "secretPath": "/other/"})["secretSync"]

    assert (changed["environment"]["slug"], changed["folder"]["path"]) == ("prod", "/other")


def test_a_project_cannot_be_changed(editor: Caller, sync: DevinSync) -> None:
    editor.patch(f"{DEVIN}/{sync.pk}", {"projectId": str(sync.project_id), "description": "as it was"})

    answer = editor.patch(f"{DEVIN}/{sync.pk}", {"projectId": EXAMPLE_ID}, status=422)

    assert issues(answer)[0][0] == "projectId"


@pytest.mark.parametrize(
    ("part", "hint"),
    [
        ({"syncOptions": options(keyschema="A_{{secretKey}}")}, "Did you mean keySchema?"),
        ({"syncOptions": options(disableSecretDeletions=True)}, "Did you mean disableSecretDeletion?"),
        ({"syncOptions": options(key_schema="A_{{secretKey}}")}, "Did you mean keySchema?"),
        ({"destinationConfig": {"orgId": ORG, "orgid": ORG}}, "Did you mean orgId?"),
        ({"destinationConfig": {"orgId": ORG, "zone": 1}}, "There are: orgId."),
        ({"isEnable": True}, "Did you mean isEnabled?"),
    ],
)
def test_names_the_option_that_was_meant(
    editor: Caller, sync_body: dict[str, Any], part: dict[str, Any], hint: str
) -> None:
    (problem,) = issues(editor.post(DEVIN, sync_body | part, status=422))

    assert hint in problem[1]


@pytest.mark.parametrize(
    "field", ["name", "isEnabled", "connectionId", "environment", "secretPath", "syncOptions", "destinationConfig"]
)
def test_nothing_becomes_null(editor: Caller, sync: DevinSync, field: str) -> None:
    answer = editor.patch(f"{DEVIN}/{sync.pk}", {field: None}, status=422)

    assert issues(answer)[0][0] == field


def test_removes_what_it_leaves_behind_on_request(editor: Caller, sync: DevinSync) -> None:
    editor.patch(f"{DEVIN}/{sync.pk}?removeSecrets=true", {"destinationConfig": {"orgId": "org-other"}})

    removal = SyncRun.objects.get(operation=Operation.REMOVE)
    assert removal.org_id == ORG
    assert SyncRun.objects.get(operation=Operation.SYNC).org_id == "org-other"


def test_forgets_what_it_leaves_behind(editor: Caller, sync: DevinSync) -> None:
    """Otherwise no other sync could manage those keys there."""
    old = sync.destination()
    ManagedSecret.objects.create(sync=sync, destination=old, destination_key="A", source_key="A", secret_id="secret-1")

    editor.patch(f"{DEVIN}/{sync.pk}", {"destinationConfig": {"orgId": "org-other"}})

    assert not ManagedSecret.objects.filter(destination=old).exists()
    assert not SyncRun.objects.filter(operation=Operation.REMOVE).exists()


def test_stays_where_it_is_while_it_runs(editor: Caller, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)

    answer = editor.patch(f"{DEVIN}/{sync.pk}", {"destinationConfig": {"orgId": "org-other"}}, status=400)

    assert "under way" in answer["message"]
    sync.refresh_from_db()
    assert sync.org_id == ORG


def test_removes_with_the_connection_that_it_leaves(editor: Caller, sync: DevinSync, connection: Connection) -> None:
    other = Connection.objects.create(name="other", base_url="https://devin.example.com")

    editor.patch(f"{DEVIN}/{sync.pk}?removeSecrets=true", {"connectionId": str(other.pk)})

    assert SyncRun.objects.get(operation=Operation.REMOVE).connection == connection
    assert SyncRun.objects.get(operation=Operation.SYNC).connection == other


def test_deletes_a_sync_and_leaves_its_secrets(editor: Caller, sync: DevinSync) -> None:
    deleted = editor.delete(f"{DEVIN}/{sync.pk}")["secretSync"]

    assert deleted["id"] == str(sync.pk)
    assert not DevinSync.objects.exists()


def test_a_sync_with_removal_stays_until_its_secrets_are_gone(editor: Caller, sync: DevinSync) -> None:
    deleted = editor.delete(f"{DEVIN}/{sync.pk}?removeSecrets=true")["secretSync"]

    assert deleted["removeStatus"] == "pending"
    assert SyncRun.objects.get().removes_sync


@pytest.mark.usefixtures("worker")
def test_creates_syncs_and_removes_again(
    editor: Caller, sync_body: dict[str, Any], organization: SandboxOrganization
) -> None:
    created = editor.post(f"{DEVIN}?wait=20", sync_body)["secretSync"]
    assert created["syncStatus"] == "succeeded"
    assert organization.values() == {"DB_URL": "postgres://db", "API_KEY": "k-123"}

    deleted = editor.delete(f"{DEVIN}/{created['id']}?removeSecrets=true&wait=20")["secretSync"]

    assert deleted["removeStatus"] == "succeeded"
    assert organization.values() == {}
    editor.get(f"{DEVIN}/{created['id']}", status=404)


def test_starts_a_run(operator: Caller, sync: DevinSync) -> None:
    started = operator.post(f"{DEVIN}/{sync.pk}/sync-secrets", X_Request_Id="from-ci")["secretSync"]

    run = SyncRun.objects.get()
    assert started["syncStatus"] == "pending"
    assert started["lastSyncJobId"] == str(run.pk)
    assert (run.trigger, run.request_id) == (Trigger.API, "from-ci")
    assert run.requested_by is not None


def test_waits_no_longer_than_asked(operator: Caller, sync: DevinSync) -> None:
    started = operator.post(f"{DEVIN}/{sync.pk}/sync-secrets?wait=0.1")["secretSync"]

    assert started["syncStatus"] == "pending"


def test_a_disabled_sync_does_not_run(operator: Caller, sync: DevinSync) -> None:
    DevinSync.objects.update(is_enabled=False)

    answer = operator.post(f"{DEVIN}/{sync.pk}/sync-secrets", status=400)

    assert "disabled" in answer["message"]


def test_a_sync_whose_folder_is_gone_does_not_run(operator: Caller, sync: DevinSync, folder: Folder) -> None:
    delete_folder(folder, by=ANYBODY)

    answer = operator.post(f"{DEVIN}/{sync.pk}/sync-secrets", status=400)

    assert "no longer exists" in answer["message"]
    found = operator.get(f"{DEVIN}/{sync.pk}")["secretSync"]
    assert (found["folder"], found["folderId"]) == (None, None)


def test_confirming_deletions_needs_its_own_permission(operator: Caller, editor: Caller, sync: DevinSync) -> None:
    path = f"{DEVIN}/{sync.pk}/sync-secrets"

    operator.post(f"{path}?confirmDeletions=true", status=403)
    editor.post(path, {"confirmDeletions": ["secret-1"]})

    assert SyncRun.objects.get().confirmed_deletions == ["secret-1"]
    editor.post(f"{path}?confirmDeletions=true")
    assert SyncRun.objects.get().confirms_any_deletion


@pytest.mark.usefixtures("worker")
def test_a_blocked_run_shows_as_failed_with_the_reason(
    editor: Caller, sync_body: dict[str, Any], organization: SandboxOrganization, folder: Folder
) -> None:
    for number in range(20):
        organization.put(key=f"OLD_{number}", value="x")

    created = editor.post(f"{DEVIN}?wait=20", sync_body)["secretSync"]

    assert created["syncStatus"] == "failed"
    assert "deletes 20" in created["lastSyncMessage"]
    run = editor.get(f"/api/v1/sync-runs/{created['lastSyncJobId']}")["syncRun"]
    assert (run["status"], run["outcome"], run["blockedReason"]) == ("failed", "blocked", "too_many_deletions")
    path = f"{DEVIN}/{created['id']}/sync-secrets?wait=20&confirmDeletions=true"
    assert editor.post(path)["secretSync"]["syncStatus"] == "succeeded"


def test_importing_is_always_refused(operator: Caller, sync: DevinSync) -> None:
    path = f"{DEVIN}/{sync.pk}/import-secrets"

    answer = operator.post(f"{path}?importBehavior=prioritize-source", status=400)

    assert "does not support importing secrets" in answer["message"]
    operator.post(path, status=422)


def test_removal_is_queued(editor: Caller, sync: DevinSync) -> None:
    answer = editor.post(f"{DEVIN}/{sync.pk}/remove-secrets")["secretSync"]

    assert answer["removeStatus"] == "pending"
    assert SyncRun.objects.get().operation == Operation.REMOVE


def test_plans_without_values_and_without_doing(
    operator: Caller, sync: DevinSync, organization: SandboxOrganization
) -> None:
    organization.put(key="STRANGER", value="x")

    plan = operator.post(f"{DEVIN}/{sync.pk}/plan")["plan"]

    assert plan["counts"] == {"create": 2, "replace": 0, "delete": 1, "keep": 0}
    assert [(change["action"], change["destinationKey"]) for change in plan["changes"]] == [
        ("create", "API_KEY"),
        ("create", "DB_URL"),
        ("delete", "STRANGER"),
    ]
    assert plan["changes"][2]["isStranger"] is True
    assert plan["blocked"] is None
    assert "k-123" not in str(plan)
    assert not SyncRun.objects.exists()


def test_a_plan_does_not_wait_out_what_devin_asks(operator: Caller, sync: DevinSync, sandbox: Sandbox) -> None:
    sandbox.faults.add("rate_limited", times=None, retry_after=59)

    response = operator.send("POST", f"{DEVIN}/{sync.pk}/plan")

    assert 400 <= response.status_code < 600
    assert "no more requests for 59 seconds. Try again then." in response.json()["message"]
    assert len(sandbox.log.requests()) == 1


@pytest.mark.usefixtures("worker")
def test_tells_of_runs_key_by_key(editor: Caller, sync_body: dict[str, Any], organization: SandboxOrganization) -> None:
    created = editor.post(f"{DEVIN}?wait=20", sync_body)["secretSync"]

    listed = editor.get(f"{DEVIN}/{created['id']}/runs?limit=1")

    assert listed["totalCount"] == 1
    assert editor.get(f"{DEVIN}/{created['id']}/runs?changed=true") == editor.get(f"{DEVIN}/{created['id']}/runs")
    assert editor.get(f"{DEVIN}/{created['id']}/runs?changed=false") == {"syncRuns": [], "totalCount": 0}
    run = editor.get(f"/api/v1/sync-runs/{listed['syncRuns'][0]['id']}")["syncRun"]
    assert run["counts"] == {"created": 2, "replaced": 0, "deleted": 0, "kept": 0, "failed": 0, "drifted": 0}
    assert [(change["destinationKey"], change["outcome"]) for change in run["changes"]] == [
        ("API_KEY", "done"),
        ("DB_URL", "done"),
    ]


def test_cancels_a_run_that_has_not_started(operator: Caller, sync: DevinSync) -> None:
    operator.post(f"{DEVIN}/{sync.pk}/sync-secrets")
    run = SyncRun.objects.get()

    answer = operator.post(f"/api/v1/sync-runs/{run.pk}/cancel")["syncRun"]

    assert (answer["status"], answer["outcome"]) == ("failed", "cancelled")
    operator.post(f"/api/v1/sync-runs/{run.pk}/cancel", status=400)


def test_a_run_under_way_stops_before_its_next_write(operator: Caller, sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    assert claim(run.pk) is not None

    answer = operator.post(f"/api/v1/sync-runs/{run.pk}/cancel")["syncRun"]

    assert (answer["status"], answer["outcome"], answer["isStopping"]) == ("running", "running", True)
    run.refresh_from_db()
    assert run.stopped_by.endswith(" through the API")


def test_finds_other_syncs_of_a_destination(viewer: Caller, sync: DevinSync, connection: Connection) -> None:
    body = {"projectId": str(sync.project_id), "destinationConfig": {"orgId": ORG}, "connectionId": str(connection.pk)}

    assert viewer.post(f"{DEVIN}/check-destination", body) == {
        "hasDuplicate": True,
        "duplicateProjectId": str(sync.project_id),
    }
    assert viewer.post(f"{DEVIN}/check-destination", body | {"excludeSyncId": str(sync.pk)}) == {"hasDuplicate": False}


def test_pauses_and_resumes_everything(administrator: Caller, viewer: Caller) -> None:
    control = "/api/v1/sync-control"

    viewer.patch(control, {"isPaused": True}, status=403)
    administrator.patch(control, {"isPaused": True})

    assert viewer.get(control)["syncControl"]["isPaused"] is True
    assert SyncControl.get().changed_by is not None


@pytest.mark.usefixtures("queue")
def test_lists_a_page_to_those_who_ask_for_one(editor: Caller, sync_body: dict[str, Any]) -> None:
    project_id = sync_body["projectId"]
    names = [f"app-{number}" for number in range(5)]
    for number, name in enumerate(reversed(names)):
        editor.post(DEVIN, sync_body | {"name": name, "destinationConfig": {"orgId": f"org-{number}"}})

    def listed(query: str = "") -> list[str]:
        answer = editor.get(f"{SYNCS}?projectId={project_id}{query}")
        assert set(answer) == {"secretSyncs"}
        return [sync["name"] for sync in answer["secretSyncs"]]

    assert listed() == names
    assert listed("&limit=2") == names[:2]
    assert listed("&limit=2&offset=4") == names[4:]
    assert listed("&offset=3") == names[3:]
    assert listed("&limit=2&offset=9") == []
    editor.get(f"{SYNCS}?projectId={project_id}&limit=0", status=422)


def test_the_same_key_is_answered_once(editor: Caller, sync_body: dict[str, Any], queue: list[str]) -> None:
    first = editor.send("POST", DEVIN, sync_body, Idempotency_Key="one")
    again = editor.send("POST", DEVIN, sync_body, Idempotency_Key="one")

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert DevinSync.objects.count() == 1
    editor.post(DEVIN, sync_body | {"name": "other"}, status=422, Idempotency_Key="one")
    editor.post(DEVIN, sync_body | {"name": "other"}, Idempotency_Key="two")


def test_a_refused_request_frees_its_key(editor: Caller, sync_body: dict[str, Any], queue: list[str]) -> None:
    editor.post(DEVIN, sync_body | {"secretPath": "/none"}, status=400, Idempotency_Key="one")

    editor.post(DEVIN, sync_body, Idempotency_Key="one")


@pytest.mark.usefixtures("queue")
def test_pointing_at_a_source_needs_the_right_to_read_it(sync_body: dict[str, Any]) -> None:
    from django.contrib.auth.models import Permission

    user = make_user("mover", "Operator")
    wanted = ["add_devinsync", "use_connection"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))

    answer = make_caller(user).post(DEVIN, sync_body, status=403)

    assert "reveal_secret" in answer["message"]


def test_notes_who_did_what(editor: Caller, sync: DevinSync) -> None:
    editor.patch(f"{DEVIN}/{sync.pk}", {"name": "renamed"})

    entry = LogEntry.objects.get()
    assert entry.user.get_username() == "editor"
    assert entry.change_message == "Changed name through the API with API token tests."


def test_running_syncs_are_not_deleted(editor: Caller, sync: DevinSync) -> None:
    editor.post(f"{DEVIN}/{sync.pk}/sync-secrets")
    SyncRun.objects.update(status=Status.RUNNING)

    editor.delete(f"{DEVIN}/{sync.pk}", status=400)


def test_another_environment_keeps_the_path_as_it_is_now(editor: Caller, sync: DevinSync, folder: Folder) -> None:
    rename_folder(folder, "renamed", by=ANYBODY)
    create_folder(sync.project.environments.get(slug="prod"), "/renamed", by=ANYBODY)

    changed = editor.patch(f"{DEVIN}/{sync.pk}", {"environment": "prod"})["secretSync"]

    assert (changed["environment"]["slug"], changed["folder"]["path"]) == ("prod", "/renamed")


# What stopped syncs hold, and what DevinSync did not write


@pytest.fixture
def held_by_a_stopped_sync(sync: DevinSync, worker: None, organization: SandboxOrganization) -> DevinSync:
    """A sync that was disabled after it wrote API_KEY and DB_URL; another one wants them."""
    request_run(sync, trigger=Trigger.MANUAL)
    DevinSync.objects.filter(pk=sync.pk).update(is_enabled=False)
    return DevinSync.objects.create(
        name="heir", project=sync.project, folder=sync.folder, connection=sync.connection, org_id=sync.org_id
    )


@pytest.mark.parametrize("take_over", [True, ["API_KEY", "DB_URL"]])
def test_takes_over_what_a_stopped_sync_holds(
    editor: Caller, held_by_a_stopped_sync: DevinSync, organization: SandboxOrganization, take_over: Any
) -> None:
    heir = held_by_a_stopped_sync
    plan = editor.post(f"{DEVIN}/{heir.pk}/plan")["plan"]
    assert [(change["action"], change["mayTakeOver"]) for change in plan["changes"]] == [("refuse", True)] * 2

    answer = editor.post(f"{DEVIN}/{heir.pk}/sync-secrets?wait=20", {"takeOver": take_over})

    assert answer["secretSync"]["syncStatus"] == "succeeded"
    run = editor.get(f"{DEVIN}/{heir.pk}/runs?limit=1")["syncRuns"][0]
    assert (run["counts"]["handedOver"], run["counts"]["kept"]) == (2, 2)


def test_taking_over_needs_a_right_of_its_own(operator: Caller, sync: DevinSync) -> None:
    operator.post(f"{DEVIN}/{sync.pk}/sync-secrets", {"takeOver": True}, status=403)


@pytest.fixture
def asking(sync: DevinSync, worker: None, organization: SandboxOrganization) -> DevinSync:
    organization.put(key="STRANGER", value="x")
    DevinSync.objects.filter(pk=sync.pk).update(strangers="ask")
    request_run(sync, trigger=Trigger.MANUAL)
    return sync


@pytest.mark.parametrize(("decision", "is_there"), [("delete", False), ("leave", True), ("adopt", True)])
def test_decides_on_strangers(
    editor: Caller, asking: DevinSync, organization: SandboxOrganization, decision: str, is_there: bool
) -> None:
    run = editor.get(f"{DEVIN}/{asking.pk}/runs?limit=1")["syncRuns"][0]
    (held,) = [
        change
        for change in editor.get(f"/api/v1/sync-runs/{run['id']}")["syncRun"]["changes"]
        if change["outcome"] == "held"
    ]

    body = {"decision": decision, "secretIds": [held["secretId"]]}
    editor.post(f"{DEVIN}/{asking.pk}/strangers?wait=20", body)

    assert ("STRANGER" in organization.values()) is is_there
    editor.post(f"{DEVIN}/{asking.pk}/strangers", body, status=400)


def test_the_former_spelling_and_the_present_one_agree(editor: Caller, sync: DevinSync) -> None:
    def patched(**ours: Any) -> dict[str, Any]:
        answer = editor.patch(f"{DEVIN}/{sync.pk}", {"syncOptions": options(**ours)})
        found: dict[str, Any] = answer["secretSync"]["syncOptions"]
        return found

    assert patched(onlyDeleteManaged=True)["strangers"] == "leave"
    assert "strangers" not in patched(onlyDeleteManaged=False)
    assert "onlyDeleteManaged" not in patched(strangers="ask")
    assert patched(strangers="leave")["onlyDeleteManaged"] is True
    clash = {"syncOptions": options(strangers="ask", onlyDeleteManaged=True)}
    assert "contradict" in str(editor.patch(f"{DEVIN}/{sync.pk}", clash, status=422))


def test_a_run_that_a_script_follows_stays(viewer: Caller, sync: DevinSync) -> None:
    run = SyncRun.objects.create(sync=sync, trigger=Trigger.SCHEDULE, is_quiet=True)

    viewer.get(f"/api/v1/sync-runs/{run.pk}")

    run.refresh_from_db()
    assert not run.is_quiet


def test_says_that_a_scheduled_run_may_have_left_none(viewer: Caller) -> None:
    answer = viewer.get(f"/api/v1/sync-runs/{uuid4()}", status=404)

    assert "where nothing changed" in answer["message"]
