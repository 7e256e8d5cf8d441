"""Sync sets by the API: made, read, changed, run and deleted, with the organizations in them."""

from collections.abc import Callable
from typing import Any, get_args
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from api.resources.sync_sets import schemas
from api.resources.sync_sets.edits import split_path
from connections.devin.types import RemoteOrganization
from connections.models import Connection
from connections.organizations import take_over
from fleets import choices
from fleets.companion import generate_due
from fleets.generating import generate
from fleets.models import Member, SyncSet
from fleets.planning import plan_next
from fleets.waves.companion import tend_all
from sandbox.organization import Organization as SandboxOrganization
from sources.models import SharedConnection
from syncs.choices import Operation, Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from tests.api.test_secret_syncs import issues
from vault.access.models import Membership
from vault.access.roles import Role
from vault.editing import create_folder
from vault.models import Folder, Project

SETS = "/api/v1/secret-syncs/devin-sets"
SYNCS = "/api/v1/secret-syncs/devin"
ALL = {"selection": "all"}
Make = Callable[..., dict[str, Any]]
List = Callable[..., None]

pytestmark = pytest.mark.usefixtures("queue")


@pytest.fixture
def devin_lists(connection: Connection) -> List:
    """Takes over a list of organizations, by name, as if Devin had answered it."""

    def take(*names: str) -> None:
        take_over(connection, [RemoteOrganization(f"org-{name.lower().replace(' ', '')}", name) for name in names])

    return take


@pytest.fixture
def body(project: Project, folder: Folder, connection: Connection, devin_lists: List) -> dict[str, Any]:
    devin_lists("Acme", "Beta Corp")
    return {
        "name": "core",
        "projectId": str(project.pk),
        "connectionId": str(connection.pk),
        "environment": "dev",
        "secretPath": "/my-secrets",
        "syncOptions": {"initialSyncBehavior": "overwrite-destination"},
        "destinationConfig": ALL,
    }


@pytest.fixture
def make(editor: Caller, body: dict[str, Any]) -> Make:
    """Makes a set by the API with these parts given otherwise, and its syncs; answers it as it is then."""

    def make(**parts: Any) -> dict[str, Any]:
        made = editor.post(SETS, body | parts)["syncSet"]
        generate(UUID(made["id"]))
        return editor.get(f"{SETS}/{made['id']}")["syncSet"]  # type: ignore[no-any-return]

    return make


def organizations(caller: Caller, each: dict[str, Any], query: str = "") -> dict[str, Any]:
    """By their ids."""
    found = caller.get(f"{SETS}/{each['id']}/organizations{query}")["organizations"]
    return {organization["orgId"]: organization for organization in found}


def told(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def test_a_set_is_made_and_its_syncs_a_moment_later(editor: Caller, body: dict[str, Any]) -> None:
    made = editor.post(SETS, body | {"description": "What all share", "waveSize": 10, "canaries": ["Acme"]})["syncSet"]

    assert (made["name"], made["description"], made["secretPath"]) == ("core", "What all share", "/my-secrets")
    assert (made["waveSize"], made["canaries"], made["maxFailures"]) == (10, ["org-acme"], 0)
    assert made["destinationConfig"] == {
        "selection": "all", "chosen": [], "exceptions": [], "newOrganizations": "at_once", "whenLeft": "pause",
    }  # fmt: skip
    assert told(made["organizationCounts"]) == {"total": 2, "new": 2}
    generate_due()
    tend_all()
    found = editor.get(f"{SETS}/{made['id']}")["syncSet"]
    assert told(found["organizationCounts"]) == {"total": 2, "active": 2}
    # The canary first.
    assert told(found["syncCounts"]) == {"pending": 1, "never": 1}
    assert set(DevinSync.objects.values_list("name", "set_id")) == {
        ("core-acme", UUID(made["id"])),
        ("core-beta-corp", UUID(made["id"])),
    }


def test_sets_of_a_project_are_listed_by_name(viewer: Caller, make: Make, project: Project) -> None:
    second, first = make(name="second"), make(name="first", destinationConfig=ALL | {"exceptions": ["*"]})

    assert viewer.get(f"{SETS}?projectId={project.pk}") == {"syncSets": [first, second]}
    assert viewer.get(f"{SETS}?projectId={project.pk}&limit=1&offset=1") == {"syncSets": [second]}
    assert viewer.get(f"{SETS}?projectId=none") == {"syncSets": []}


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/orgs", ("/orgs", "")),
        ("/orgs/{{organization}}", ("/orgs", "{{organization}}")),
        ("/{{organization}}/app/", ("/", "{{organization}}/app")),
        ("/a/b/of-{{organization}}/c/{{organization}}", ("/a/b", "of-{{organization}}/c/{{organization}}")),
    ],
)
def test_a_path_splits_where_the_organization_stands_first(path: str, parts: tuple[str, str]) -> None:
    assert split_path(path) == parts


def test_each_organization_reads_a_folder_of_its_own(editor: Caller, make: Make, folder: Folder) -> None:
    create_folder(folder.environment, "/my-secrets/acme", by=ANYBODY)

    made = make(
        secretPath="/my-secrets/{{organization}}",
        syncOptions={"initialSyncBehavior": "overwrite-destination", "keySchema": "{{organization}}_{{secretKey}}"},
    )

    assert (made["secretPath"], made["folder"]["path"]) == ("/my-secrets/{{organization}}", "/my-secrets")
    assert made["syncOptions"]["keySchema"] == "{{organization}}_{{secretKey}}"
    found = organizations(editor, made)
    assert {name: one["state"] for name, one in found.items()} == {"org-acme": "active", "org-betacorp": "skipped"}
    assert "/my-secrets/beta-corp" in found["org-betacorp"]["message"]
    sync = editor.get(f"{SYNCS}/{found['org-acme']['syncId']}")["secretSync"]
    assert (sync["folder"]["path"], sync["syncOptions"]["keySchema"]) == ("/my-secrets/acme", "acme_{{secretKey}}")
    moved = editor.patch(f"{SETS}/{made['id']}", {"secretPath": "/my-secrets"})["syncSet"]
    assert moved["secretPath"] == "/my-secrets"


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"secretPath": "/my-secrets/{{organization}}/a b"}, "secretPath"),
        ({"destinationConfig": {"selection": "listed"}}, "destinationConfig.chosen"),
        ({"destinationConfig": {"selection": "listed", "chosen": ["Acme", "Nobody"]}}, "destinationConfig.chosen.1"),
        ({"destinationConfig": {"selection": "matching", "chosen": ["a\nb"]}}, "destinationConfig.chosen.0"),
        ({"destinationConfig": {"selection": "all", "chosen": ["Acme"]}}, "destinationConfig"),
        ({"destinationConfig": {"selection": "some"}}, "destinationConfig.selection"),
        ({"canaries": ["Nobody"]}, "canaries.0"),
        ({"waveSize": -1}, "waveSize"),
        ({"waveSizes": 1}, "waveSizes"),
        ({"name": "a" * 129}, "name"),
        ({"syncOptions": {"initialSyncBehavior": "overwrite-destination", "keySchema": "x"}}, "syncOptions.keySchema"),
        ({"syncOptions": {"initialSyncBehavior": "import-prioritize-source"}}, "syncOptions.initialSyncBehavior"),
    ],
)
def test_names_the_field_that_is_wrong(
    editor: Caller, body: dict[str, Any], make: Make, parts: dict[str, Any], path: str
) -> None:
    made = make()

    for answer in (
        editor.post(SETS, body | {"name": "other"} | parts, status=422),
        editor.patch(f"{SETS}/{made['id']}", parts, status=422),
    ):
        assert [name for name, _ in issues(answer)] == [path]
        assert not any("Nobody" in message for _, message in issues(answer))
    assert SyncSet.objects.count() == 1


@pytest.mark.parametrize(
    ("parts", "status", "message"),
    [
        ({"secretPath": "/nowhere"}, 400, "/nowhere"),
        ({"environment": "test"}, 400, "test"),
        ({"connectionId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, 404, "no connection"),
        ({"projectId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, 404, "no project"),
        ({"name": "core"}, 400, "already has a sync set named core"),
    ],
)
def test_refuses_what_it_cannot_take(
    editor: Caller, body: dict[str, Any], make: Make, *, parts: dict[str, Any], status: int, message: str
) -> None:
    make()

    assert message in editor.post(SETS, body | {"name": "other"} | parts, status=status)["message"]


def test_changes_what_is_sent_and_its_syncs_follow(editor: Caller, make: Make) -> None:
    made = make(description="Old", destinationConfig=ALL | {"newOrganizations": "ask"}, canaries=["Acme"])

    changed = editor.patch(
        f"{SETS}/{made['id']}",
        {
            "name": "base",
            "syncOptions": {"initialSyncBehavior": "overwrite-destination", "guardMaxDeletions": 3},
            "destinationConfig": {"selection": "listed", "chosen": ["Acme", "org-acme", "org-other"]},
            "missingFolder": "error",
            "maxFailures": 1,
        },
    )["syncSet"]
    generate_due()

    assert changed["destinationConfig"]["chosen"] == ["org-acme", "org-other"]
    # Replaced whole, but what is not sent at all stays.
    assert (changed["destinationConfig"]["newOrganizations"], changed["description"]) == ("at_once", "Old")
    assert (changed["canaries"], changed["missingFolder"], changed["maxFailures"]) == (["org-acme"], "error", 1)
    assert changed["version"] == made["version"] + 1
    assert organizations(editor, made)["org-betacorp"]["state"] == "left"
    assert DevinSync.objects.get(name="base-acme").guard_max_deletions == 3
    assert editor.patch(f"{SETS}/{made['id']}", {"description": None})["syncSet"]["description"] is None


def test_a_set_stays_in_its_project(editor: Caller, make: Make, project: Project) -> None:
    made = make()

    editor.patch(f"{SETS}/{made['id']}", {"projectId": str(project.pk)})
    refused = editor.patch(f"{SETS}/{made['id']}", {"projectId": made["connectionId"]}, status=422)

    assert [name for name, _ in issues(refused)] == ["projectId"]


def test_all_its_syncs_run_but_those_that_are_paused(operator: Caller, editor: Caller, make: Make) -> None:
    made = make()
    editor.patch(f"{SETS}/{made['id']}/organizations/org-acme", {"isPaused": True})
    generate_due()
    SyncRun.objects.all().delete()

    started = operator.post(f"{SETS}/{made['id']}/sync-secrets")

    assert started["queuedRuns"] == 1
    run = SyncRun.objects.get()
    assert (run.org_id, run.trigger, run.status) == ("org-betacorp", Trigger.API, Status.PENDING)
    assert run.requested_by == User.objects.get(username="operator")


def test_the_plan_of_all_is_drawn_by_the_scheduler(
    operator: Caller, viewer: Caller, make: Make, devin_lists: List, organization: SandboxOrganization
) -> None:
    devin_lists("Sandbox", "Acme")
    made = make()
    path = f"{SETS}/{made['id']}/plan"
    assert viewer.get(path) == {"plan": None}

    asked = operator.post(path)["plan"]
    while plan_next():
        pass
    plan = viewer.get(path)["plan"]

    assert (asked["isDone"], asked["total"], asked["planned"]) == (False, 2, 0)
    assert (plan["isDone"], plan["planned"], plan["changing"], plan["unchanged"]) == (True, 2, 1, 0)
    # Devin knows nothing of the other one.
    assert (told(plan["counts"]), plan["problems"], plan["grave"]) == ({"create": 2}, 1, [])
    assert organization.secrets() == []


def test_a_plan_names_those_to_look_at(viewer: Caller, make: Make) -> None:
    made = make()
    SyncSet.objects.update(plans_asked_at=timezone.now())
    Member.objects.filter(org_id="org-acme").update(planned={"delete": 3}, planned_at=timezone.now())

    plan = viewer.get(f"{SETS}/{made['id']}/plan")["plan"]

    sync = DevinSync.objects.get(org_id="org-acme")
    named = {"orgId": "org-acme", "slug": "acme", "syncId": str(sync.pk), "message": "3 to delete"}
    assert (plan["grave"], plan["planned"], plan["isDone"]) == ([named], 1, False)


def test_the_same_key_runs_a_set_once(operator: Caller, make: Make) -> None:
    made = make()
    SyncRun.objects.all().delete()

    answers = [operator.post(f"{SETS}/{made['id']}/sync-secrets", Idempotency_Key="once") for _ in range(2)]

    assert answers[0] == answers[1]
    assert set(SyncRun.objects.values_list("trigger_count", flat=True)) == {1}


def test_tells_how_each_organization_stands(viewer: Caller, make: Make) -> None:
    made = make()
    sync = DevinSync.objects.get(org_id="org-acme")
    DevinSync.objects.filter(pk=sync.pk).update(sync_status=Status.BLOCKED, last_sync_message="Too many deletions")

    found = organizations(viewer, made)["org-acme"]

    assert viewer.get(f"{SETS}/{made['id']}/organizations/org-acme") == {"organization": found}
    del found["joinedAt"]
    assert found == {
        "orgId": "org-acme", "organization": "Acme", "slug": "acme", "state": "active", "message": None,
        "isPaused": False, "overrides": {}, "leftAt": None, "syncId": str(sync.pk), "syncStatus": "failed",
        "lastSyncMessage": "Too many deletions", "lastSyncedAt": None,
        "wave": None, "turn": None, "nextWave": None, "isCanary": False,
    }  # fmt: skip
    assert told(viewer.get(f"{SETS}/{made['id']}")["syncSet"]["syncCounts"]) == {"pending": 1, "failed": 1}


def test_organizations_are_listed_by_state_and_page(viewer: Caller, make: Make, devin_lists: List) -> None:
    made = make()
    devin_lists("Acme", "Delta", "Gamma")
    generate_due()

    assert list(organizations(viewer, made)) == ["org-acme", "org-betacorp", "org-delta", "org-gamma"]
    page = viewer.get(f"{SETS}/{made['id']}/organizations?state=active&limit=1&offset=1")
    assert [one["orgId"] for one in page["organizations"]] == ["org-delta"]
    assert page["totalCount"] == 3
    assert list(organizations(viewer, made, "?state=left")) == ["org-betacorp"]
    viewer.get(f"{SETS}/{made['id']}/organizations?state=gone", status=422)


def test_organizations_that_wait_are_approved(editor: Caller, make: Make, devin_lists: List) -> None:
    made = make(destinationConfig=ALL | {"newOrganizations": "ask"})
    devin_lists("Acme", "Beta Corp", "Gamma")
    generate_due()
    assert list(organizations(editor, made, "?state=waiting")) == ["org-gamma"]
    refused = editor.post(
        f"{SETS}/{made['id']}/organizations/approve", {"orgIds": ["org-gamma", "org-none"]}, status=422
    )
    assert [name for name, _ in issues(refused)] == ["orgIds.1"]

    approved = editor.post(f"{SETS}/{made['id']}/organizations/approve", {"orgIds": ["org-gamma", "org-acme"]})
    generate_due()

    assert [one["state"] for one in approved["organizations"]] == ["active", "new"]
    assert organizations(editor, made)["org-gamma"]["state"] == "active"


def test_one_organization_is_paused_and_limited_alone(editor: Caller, make: Make) -> None:
    made = make()
    one = f"{SETS}/{made['id']}/organizations/org-acme"

    said = editor.patch(one, {"isPaused": True, "guardMaxDeletions": 1, "reconcileMinutes": 60})["organization"]
    kept = editor.patch(one, {"reconcileMinutes": None})["organization"]
    generate_due()

    assert (said["isPaused"], said["overrides"]) == (True, {"reconcileMinutes": 60, "guardMaxDeletions": 1})
    assert (kept["isPaused"], kept["overrides"]) == (True, {"guardMaxDeletions": 1})
    syncs = DevinSync.objects.order_by("org_id").values_list("is_enabled", "guard_max_deletions", "reconcile_minutes")
    assert list(syncs) == [(False, 1, 15), (True, 25, 15)]
    back = editor.patch(one, {"isPaused": None, "guardMaxDeletions": None})["organization"]
    assert (back["isPaused"], back["overrides"]) == (False, {})
    assert Member.objects.get(org_id="org-acme").overrides == {}


@pytest.mark.parametrize("wrong", [{"guardMaxPercent": 101}, {"keySchema": "x"}, {"isPaused": "yes"}])
def test_other_overrides_are_refused(editor: Caller, make: Make, wrong: dict[str, Any]) -> None:
    refused = editor.patch(f"{SETS}/{make()['id']}/organizations/org-acme", wrong, status=422)

    assert [name for name, _ in issues(refused)] == list(wrong)


def test_secrets_of_one_that_left_are_removed(editor: Caller, make: Make, devin_lists: List) -> None:
    made = make()
    one = f"{SETS}/{made['id']}/organizations/org-acme"
    assert "has left the set" in editor.post(f"{one}/remove-secrets", status=400)["message"]
    devin_lists("Beta Corp")
    generate_due()

    answer = editor.post(f"{one}/remove-secrets")["organization"]

    assert (answer["state"], answer["orgId"]) == ("left", "org-acme")
    run = SyncRun.objects.get(operation=Operation.REMOVE)
    assert (run.org_id, run.removes_sync) == ("org-acme", True)


def test_what_has_left_neither_counts_nor_runs(editor: Caller, operator: Caller, make: Make, devin_lists: List) -> None:
    made = make()
    SyncRun.objects.all().delete()
    devin_lists("Acme")
    generate_due()
    # As where somebody has enabled what the set had paused, past all that the product offers.
    DevinSync.objects.update(is_enabled=True, sync_status="succeeded")

    found = editor.get(f"{SETS}/{made['id']}")["syncSet"]

    assert told(found["syncCounts"]) == {"succeeded": 1}
    assert operator.post(f"{SETS}/{made['id']}/sync-secrets", {})["queuedRuns"] == 1
    assert [run.org_id for run in SyncRun.objects.pending()] == ["org-acme"]


def test_a_set_that_is_deleted_leaves_ordinary_syncs(editor: Caller, make: Make) -> None:
    made = make()

    assert editor.delete(f"{SETS}/{made['id']}")["syncSet"] == made

    editor.get(f"{SETS}/{made['id']}", status=404)
    assert list(DevinSync.objects.values_list("set_id", flat=True)) == [None, None]
    assert "setId" not in editor.get(f"{SYNCS}/{DevinSync.objects.all()[0].pk}")["secretSync"]


def test_a_set_that_is_deleted_with_its_secrets_ends_with_them(editor: Caller, make: Make) -> None:
    made = make()

    assert editor.delete(f"{SETS}/{made['id']}?removeSecrets=true")["syncSet"]["isEnding"]
    generate_due()

    assert SyncRun.objects.filter(operation=Operation.REMOVE, removes_sync=True).count() == 2
    assert "being deleted" in editor.patch(f"{SETS}/{made['id']}", {"name": "x"}, status=400)["message"]


@pytest.mark.parametrize(("method", "query"), [("PATCH", ""), ("PATCH", "?plan=true"), ("DELETE", "")])
def test_a_sync_of_a_set_is_changed_through_the_set(editor: Caller, make: Make, method: str, query: str) -> None:
    made = make()
    sync = DevinSync.objects.get(org_id="org-acme")
    assert editor.get(f"{SYNCS}/{sync.pk}")["secretSync"]["setId"] == made["id"]

    body = {"description": "Other"} if method == "PATCH" else None
    refused = editor.ask(method, f"{SYNCS}/{sync.pk}{query}", body, status=400)

    assert "core-acme is made by a sync set, so it is changed there" in refused["message"]
    sync.refresh_from_db()
    assert sync.description == ""


def test_what_is_not_there_is_not_found(editor: Caller, make: Make) -> None:
    made = make()

    assert "no sync set" in editor.get(f"{SETS}/{made['connectionId']}", status=404)["message"]
    assert "org-none" in editor.get(f"{SETS}/{made['id']}/organizations/org-none", status=404)["message"]


# What each takes beside `syncs:write`.
CHANGES = {
    "the connection": ("connections:use", {"destinationConfig": ALL | {"exceptions": ["x"]}}),
    "removal": ("syncs:remove-secrets", {"destinationConfig": ALL | {"whenLeft": "remove"}}),
    "approval": ("syncs:loosen-approval", {"syncOptions": {"initialSyncBehavior": "overwrite-destination"}}),
}


@pytest.mark.parametrize("which", CHANGES)
def test_a_token_needs_the_scope_for_what_it_changes(administrator: Caller, make: Make, which: str) -> None:
    made = make(syncOptions={"initialSyncBehavior": "overwrite-destination", "approval": "writes"})
    scope, change = CHANGES[which]
    user = User.objects.get(username="administrator")
    narrow = make_caller(user, scopes=["syncs:write"])

    narrow.patch(f"{SETS}/{made['id']}", {"description": "Other"})
    assert "needs the permission" in narrow.patch(f"{SETS}/{made['id']}", change, status=403)["message"]

    make_caller(user, scopes=["syncs:write", scope]).patch(f"{SETS}/{made['id']}", change)


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "", {"name": "other", "destinationConfig": ALL | {"whenLeft": "remove"}}),
        ("DELETE", "/{set}?removeSecrets=true", None),
        ("POST", "/{set}/organizations/org-acme/remove-secrets", None),
        ("POST", "/{set}/sync-secrets", None),
    ],
)
def test_a_token_that_only_writes_does_not_remove_or_run(
    administrator: Caller, make: Make, body: dict[str, Any], *, method: str, path: str, sent: dict[str, Any] | None
) -> None:
    made = make()
    narrow = make_caller(User.objects.get(username="administrator"), scopes=["syncs:write", "connections:use"])

    narrow.ask(method, SETS + path.format(set=made["id"]), sent and body | sent, status=403)

    assert SyncSet.objects.get().is_ending is False


def test_who_makes_a_set_must_be_allowed_to_read_what_it_sends(body: dict[str, Any]) -> None:
    writer = User.objects.create_user("writer")
    rights = ("add_devinsync", "view_devinsync", "use_connection", "view_project")
    writer.user_permissions.set(Permission.objects.filter(codename__in=rights))

    assert "reveal_secret" in make_caller(writer).post(SETS, body, status=403)["message"]

    writer.user_permissions.add(Permission.objects.get(codename="reveal_secret"))
    make_caller(User.objects.get(pk=writer.pk)).post(SETS, body)


def test_a_member_sees_and_edits_the_sets_of_its_folder(
    make: Make, folder: Folder, project: Project, connection: Connection
) -> None:
    made = make()
    create_folder(folder.environment, "/other", by=ANYBODY)
    insider, outsider = User.objects.create_user("insider"), User.objects.create_user("outsider")
    SharedConnection.objects.create(connection=connection, project=project)
    for role in (Role.EDITOR, Role.READER):
        Membership.objects.create(project=project, user=insider, role=role, paths=["/my-secrets"])
    Membership.objects.create(project=project, user=outsider, role=Role.EDITOR, paths=["/other"])
    one, many = f"{SETS}/{made['id']}", f"{SETS}?projectId={project.pk}"

    assert make_caller(insider).get(many)["syncSets"] == [made]
    make_caller(insider).patch(one, {"destinationConfig": ALL | {"exceptions": ["Acme"]}})
    assert make_caller(outsider).get(many)["syncSets"] == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/sync-secrets")):
        make_caller(outsider).ask(method, one + path, {} if method == "PATCH" else None, status=404)
    make_caller(outsider).get(f"{one}/organizations", status=404)


def test_notes_who_did_what(editor: Caller, make: Make) -> None:
    made = make()
    editor.patch(f"{SETS}/{made['id']}/organizations/org-acme", {"isPaused": True})
    editor.post(f"{SETS}/{made['id']}/sync-secrets")

    lines = LogEntry.objects.filter(object_id=made["id"]).order_by("pk").values_list("change_message", flat=True)
    assert list(lines) == [
        "Added through the API with API token tests.",
        "Changed is_enabled for acme alone through the API with API token tests.",
        "Asked for 2 runs through the API with API token tests.",
    ]


@pytest.mark.parametrize(
    ("words", "of"),
    [
        (schemas.SelectionWord, choices.Selection),
        (schemas.NewWord, choices.NewOrganizations),
        (schemas.FolderWord, choices.MissingFolder),
        (schemas.LeftWord, choices.WhenLeft),
        (schemas.StateWord, choices.State),
    ],
)
def test_takes_each_word_of_the_sets(words: Any, of: Any) -> None:
    assert list(get_args(words)) == of.values
