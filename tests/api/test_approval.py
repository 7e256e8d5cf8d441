"""Approving by the API: what a run waits with, and who may answer."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from accounts.roles import EDITOR
from syncs.models import DevinSync, ManagedSecret
from syncs.runs import jobs
from tests.api.conftest import Caller, make_caller, make_user
from vault.models import Folder

pytestmark = [pytest.mark.django_db(transaction=True)]

DEVIN, RUNS = "/api/v1/secret-syncs/devin", "/api/v1/sync-runs"
APPROVE, RUN = "syncs:approve-runs", "syncs:run"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada", EDITOR)


@pytest.fixture
def kim(db: None) -> Caller:
    return make_caller(make_user("kim", EDITOR), scopes=["syncs:read", APPROVE])


@pytest.fixture
def waiting(sync: DevinSync, ada: User) -> dict[str, Any]:
    """A run that ada's token asked for, as the API tells it."""
    DevinSync.objects.filter(pk=sync.pk).update(approval="writes")
    make_caller(ada).post(f"{DEVIN}/{sync.pk}/sync-secrets")
    sync.refresh_from_db()
    jobs.run_sync(str(sync.last_sync_run_id))
    found: dict[str, Any] = make_caller(ada).get(f"{RUNS}/{sync.last_sync_run_id}")["syncRun"]
    return found


def test_another_person_approves_the_digest_that_the_run_tells(
    waiting: dict[str, Any], kim: Caller, folder: Folder, organization: Any
) -> None:
    assert (waiting["outcome"], waiting["blockedReason"]) == ("blocked", "approval")
    assert waiting["approval"] | {"digest": ""} == {
        "digest": "",
        "answer": None,
        "answeredBy": None,
        "answeredAt": None,
        "expiresAt": None,
    }
    digest = waiting["approval"]["digest"]
    kim.post(f"{RUNS}/{waiting['id']}/approve", {"digest": "0" * 64}, status=400)

    queued = kim.post(f"{RUNS}/{waiting['id']}/approve", {"digest": digest})["syncRun"]
    jobs.run_sync(queued["id"])
    follows = kim.get(f"{RUNS}/{queued['id']}")["syncRun"]

    assert (follows["outcome"], follows["trigger"], follows["requestedBy"]) == ("succeeded", "approval", "ada")
    assert (follows["approval"]["answer"], follows["approval"]["answeredBy"]) == ("approved", "kim")
    assert len(organization.values()) == folder.secrets.count()
    kim.post(f"{RUNS}/{waiting['id']}/approve", {"digest": digest}, status=400)


def test_a_token_never_approves_what_its_owner_asked_for(
    waiting: dict[str, Any], ada: User, kim: Caller, organization: Any
) -> None:
    body = {"digest": waiting["approval"]["digest"]}

    own = make_caller(ada, scopes=[APPROVE, RUN]).post(f"{RUNS}/{waiting['id']}/approve", body, status=400)
    make_caller(make_user("lee", EDITOR)).post(f"{RUNS}/{waiting['id']}/approve", body, status=403)
    refused = kim.post(f"{RUNS}/{waiting['id']}/refuse", body)["syncRun"]

    assert "your own" in own["message"]
    assert (refused["blockedReason"], refused["approval"]["answer"]) == ("refused", "refused")
    assert organization.values() == {}


def test_to_ask_for_less_approval_takes_a_scope_too(sync: DevinSync, administrator: Caller) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(approval="writes")
    scopes = ["syncs:read", "syncs:write", "connections:read", "connections:use"]
    narrow = make_caller(User.objects.get(username="administrator"), scopes=scopes)
    options = {"syncOptions": {"initialSyncBehavior": "overwrite-destination", "approval": "none"}}

    narrow.patch(f"{DEVIN}/{sync.pk}", options, status=403)
    narrow.delete(f"{DEVIN}/{sync.pk}", status=403)
    hold(sync, "API_KEY")
    document = f"syncs: [{{name: {sync.name}, project: {sync.project.slug}, org_id: org-elsewhere}}]"
    for refused in (
        narrow.patch(f"{DEVIN}/{sync.pk}", {"destinationConfig": {"orgId": "org-elsewhere"}}, status=403),
        narrow.post("/api/v1/sync-declaration/apply", {"document": document}, status=403),
    ):
        assert "syncs.loosen_approval" in refused["message"]
    assert sync.managed_secrets.exists()
    administrator.patch(f"{DEVIN}/{sync.pk}", options)

    assert DevinSync.objects.get().approval == "none"


def test_to_take_over_from_one_that_asks_for_more_takes_that_scope(sync: DevinSync, administrator: Caller) -> None:
    hold(sync, "API_KEY")
    DevinSync.objects.filter(pk=sync.pk).update(approval="writes", is_enabled=False)
    heir = DevinSync.objects.create(
        name="heir", project=sync.project, folder=sync.folder, connection=sync.connection, org_id=sync.org_id
    )
    scopes = ["syncs:read", "syncs:run", "syncs:take-over"]
    narrow = make_caller(User.objects.get(username="administrator"), scopes=scopes)

    for keys in (True, ["API_KEY"]):
        told = narrow.post(f"{DEVIN}/{heir.pk}/sync-secrets", {"takeOver": keys}, status=403)["message"]
        assert "syncs.loosen_approval" in told
    narrow.post(f"{DEVIN}/{heir.pk}/sync-secrets", {"takeOver": ["OTHER"]})
    administrator.post(f"{DEVIN}/{heir.pk}/sync-secrets", {"takeOver": True})


def hold(sync: DevinSync, key: str) -> None:
    ManagedSecret.objects.create(
        sync=sync, destination=sync.destination(), destination_key=key, source_key=key, secret_id="1", fingerprint="0"
    )
