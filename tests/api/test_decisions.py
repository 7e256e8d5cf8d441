"""What a person decides with a button in the admin, a script decides by a request."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.api.conftest import API_KEY, ORG, Caller, make_caller
from vault.editing import delete_secret
from vault.models import Folder

DEVIN, RUNS = "/api/v1/secret-syncs/devin", "/api/v1/sync-runs"
RUN, CONFIRM, USE = "run_devinsync", "confirm_deletions", "use_connection"


@pytest.fixture(autouse=True)
def _workers(worker: None) -> None:
    pass


@pytest.fixture
def sync(folder: Folder, connection: Connection, worker: None) -> DevinSync:
    """Has written what its folder holds."""
    sync = DevinSync.objects.create(
        name="my-devin-sync", project=folder.environment.project, folder=folder, connection=connection, org_id=ORG
    )
    run(sync)
    return sync


def run(sync: DevinSync) -> SyncRun:
    asked = request_run(sync, trigger=Trigger.MANUAL)
    jobs.run_sync(str(asked.pk))
    asked.refresh_from_db()
    sync.refresh_from_db()
    return asked


def caller_with(*permissions: str) -> Caller:
    user = User.objects.create_user("somebody")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return make_caller(user)


def notes() -> list[str]:
    return [entry.change_message for entry in LogEntry.objects.order_by("pk")]


# Push all secrets again


def test_pushes_every_secret_again(operator: Caller, sync: DevinSync, organization: SandboxOrganization) -> None:
    before = {secret.secret_id for secret in organization.secrets()}

    answer = operator.post(f"{DEVIN}/{sync.pk}/push-secrets?wait=20")["secretSync"]

    pushed = SyncRun.objects.get(pk=answer["lastSyncJobId"])
    assert (answer["syncStatus"], pushed.replaced_count) == ("succeeded", 2)
    assert (pushed.trigger, pushed.repushes_all) == (Trigger.API, True)
    assert before.isdisjoint(secret.secret_id for secret in organization.secrets())
    assert notes() == ["Asked to push all secrets again through the API with API token tests."]


def test_pushes_once_for_the_same_key(operator: Caller, sync: DevinSync) -> None:
    for _ in range(2):
        operator.post(f"{DEVIN}/{sync.pk}/push-secrets", Idempotency_Key="k")

    assert SyncRun.objects.filter(repushes_all=True).count() == 1


def test_a_disabled_sync_pushes_nothing(operator: Caller, sync: DevinSync) -> None:
    DevinSync.objects.update(is_enabled=False)

    assert "disabled" in operator.post(f"{DEVIN}/{sync.pk}/push-secrets", status=400)["message"]
    assert notes() == []


# Confirm the deletions of a blocked run


@pytest.fixture
def blocked(sync: DevinSync, folder: Folder, organization: SandboxOrganization) -> SyncRun:
    """Of an empty source."""
    DevinSync.objects.update(auto_sync_enabled=False)
    for secret in folder.secrets.all():
        delete_secret(secret, by=ANYBODY)
    return run(sync)


def test_confirms_the_very_deletions_of_a_blocked_run(
    editor: Caller, blocked: SyncRun, organization: SandboxOrganization
) -> None:
    assert blocked.blocked_reason == "empty_source"

    answer = editor.post(f"{RUNS}/{blocked.pk}/confirm?wait=20")["syncRun"]

    assert (answer["outcome"], answer["counts"]["deleted"], answer["trigger"]) == ("succeeded", 2, "api")
    assert organization.values() == {}
    assert notes() == ["Confirmed the deletions through the API with API token tests."]


def test_only_the_latest_blocked_run_can_be_confirmed(editor: Caller, blocked: SyncRun, sync: DevinSync) -> None:
    latest = run(sync)

    assert "Decide on that one" in editor.post(f"{RUNS}/{blocked.pk}/confirm", status=400)["message"]

    editor.post(f"{RUNS}/{latest.pk}/confirm")
    assert (
        "not blocked" in editor.post(f"{RUNS}/{SyncRun.objects.latest('queued_at').pk}/confirm", status=400)["message"]
    )


@pytest.mark.parametrize("route", ["confirm", "trust-database"])
@pytest.mark.parametrize("permissions", [(RUN,), (CONFIRM,)])
def test_deciding_takes_both_rights(blocked: SyncRun, route: str, permissions: tuple[str, ...]) -> None:
    caller_with(*permissions).post(f"{RUNS}/{blocked.pk}/{route}", status=403)

    assert not SyncRun.objects.pending().exists()


# Trust this database


@pytest.fixture
def restored(sync: DevinSync) -> SyncRun:
    """The database of before the last run."""
    DevinSync.objects.update(generation=0)
    return run(sync)


def test_trusts_this_database(editor: Caller, restored: SyncRun) -> None:
    assert restored.blocked_reason == "rollback"

    answer = editor.post(f"{RUNS}/{restored.pk}/trust-database?wait=20")["syncRun"]

    assert answer["outcome"] == "succeeded"
    assert SyncRun.objects.get(pk=answer["id"]).accepts_rollback
    assert notes() == ["Trusted this database through the API with API token tests."]


def test_trusts_this_database_with_the_next_run_of_a_sync(editor: Caller, restored: SyncRun) -> None:
    answer = editor.post(f"{DEVIN}/{restored.sync_id}/sync-secrets?wait=20", {"trustDatabase": True})["secretSync"]

    assert answer["syncStatus"] == "succeeded"
    assert SyncRun.objects.get(pk=answer["lastSyncJobId"]).accepts_rollback
    assert notes() == ["Trusted this database through the API with API token tests."]


def test_no_database_is_trusted_in_advance(editor: Caller, sync: DevinSync) -> None:
    refused = editor.post(f"{DEVIN}/{sync.pk}/sync-secrets", {"trustDatabase": True}, status=400)

    assert "not blocked because the database is older" in refused["message"]
    assert not SyncRun.objects.filter(accepts_rollback=True).exists()


def test_who_may_not_confirm_deletions_trusts_no_database(restored: SyncRun) -> None:
    caller = caller_with(RUN, "view_devinsync")

    caller.post(f"{DEVIN}/{restored.sync_id}/sync-secrets", {"trustDatabase": True}, status=403)

    assert not SyncRun.objects.filter(accepts_rollback=True).exists()


@pytest.mark.parametrize("said", [False, None])
def test_no_word_on_the_database_is_no_trust(editor: Caller, restored: SyncRun, said: bool | None) -> None:
    answer = editor.post(f"{DEVIN}/{restored.sync_id}/sync-secrets?wait=20", {"trustDatabase": said})["secretSync"]

    assert SyncRun.objects.get(pk=answer["lastSyncJobId"]).blocked_reason == "rollback"


def test_one_decision_does_not_stand_for_the_other(editor: Caller, restored: SyncRun) -> None:
    told = editor.post(f"{RUNS}/{restored.pk}/confirm", status=400)["message"]
    assert "not blocked for what it would delete" in told


def test_trust_does_not_confirm_deletions(editor: Caller, blocked: SyncRun) -> None:
    assert "older than Devin" in editor.post(f"{RUNS}/{blocked.pk}/trust-database", status=400)["message"]
    assert notes() == []


# Agree to a new address


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def repointed(sync: DevinSync, elsewhere: Sandbox) -> DevinSync:
    connection = sync.connection
    connection.refresh_from_db()
    connection.base_url = elsewhere.url
    connection.set_api_key(API_KEY)
    connection.save()
    return sync


def test_agrees_to_the_address_that_was_seen(editor: Caller, repointed: DevinSync, elsewhere: Sandbox) -> None:
    assert run(repointed).blocked_reason == "new_address"

    answer = editor.post(f"{DEVIN}/{repointed.pk}/agree-to-address?wait=20", {"baseUrl": elsewhere.url})["secretSync"]

    assert answer["syncStatus"] == "succeeded"
    assert set(elsewhere.organization(ORG).values()) == {"DB_URL", "API_KEY"}
    assert notes()[-1].startswith(f"Let it write to {elsewhere.url}, before ")


def test_deletes_there_only_what_was_named(editor: Caller, repointed: DevinSync, elsewhere: Sandbox) -> None:
    seen = elsewhere.organization(ORG).put(key="SEEN", value="x")
    elsewhere.organization(ORG).put(key="LATE", value="x")
    body: dict[str, Any] = {"baseUrl": elsewhere.url, "confirmDeletions": [seen.secret_id]}

    editor.post(f"{DEVIN}/{repointed.pk}/agree-to-address?wait=20", body)

    assert SyncRun.objects.latest("queued_at").blocked_reason == "plan_grew"


def test_another_address_is_not_agreed_to(editor: Caller, repointed: DevinSync) -> None:
    answer = editor.post(f"{DEVIN}/{repointed.pk}/agree-to-address", {"baseUrl": "http://127.0.0.1:9"}, status=400)

    assert "pointed elsewhere since" in answer["message"]
    assert notes() == []


@pytest.mark.parametrize("permissions", [(RUN, USE), (RUN, "reveal_secret"), (USE, "reveal_secret")])
def test_agreeing_takes_every_right(repointed: DevinSync, elsewhere: Sandbox, permissions: tuple[str, ...]) -> None:
    caller = caller_with(*permissions)

    caller.post(f"{DEVIN}/{repointed.pk}/agree-to-address", {"baseUrl": elsewhere.url}, status=403)

    repointed.refresh_from_db()
    assert repointed.is_elsewhere
