"""What runs tell of folders that some who see the sync may not see: that something is wrong there, and not what."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from syncs.choices import Status
from syncs.editing.effects import SyncWatcher
from syncs.models import SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.syncs.conftest import Bench
from vault import editing
from vault.access.models import Membership
from vault.models import Folder

pytestmark = pytest.mark.usefixtures("organization")
# Of the folder that the member does not see: its path, and what it holds.
HIDDEN = ("/quiet", "HUSHED", "POINTS")
ELSEWHERE = "takes from elsewhere in the project"
Fault = Callable[[Bench, Folder], object]


def _import_what_lacks(bench: Bench, quiet: Folder) -> None:
    editing.set_secret(quiet, "POINTS", "${LACKING}", by=ANYBODY)
    editing.add_import(bench.folder, quiet, by=ANYBODY)


def _close_a_circle(bench: Bench, quiet: Folder) -> None:
    editing.set_secret(quiet, "POINTS", "${dev.my-secrets.A}", by=ANYBODY)
    bench.source(A="${dev.quiet.POINTS}")


FAULTS: dict[str, tuple[Fault, str]] = {
    # What is wrong, and what whoever sees it all is told.
    "an imported secret refers to nothing": (_import_what_lacks, "The secret POINTS in dev:/quiet refers to"),
    "an own one almost to one there": (lambda bench, _: bench.source(A="${dev.quiet.HUSHE}"), "${dev.quiet.HUSHED}"),
    "an own one to itself, by way of there": (_close_a_circle, "A → POINTS → A"),
}


def member(bench: Bench, **limits: list[str]) -> User:
    user = User.objects.create_user("mia", is_staff=True)
    Membership.objects.create(project=bench.sync.project, user=user, role="operator", **limits)
    return user


@pytest.fixture
def quiet(bench: Bench) -> Folder:
    bench.source(A="1")
    quiet = editing.create_folder(bench.folder.environment, "/quiet", by=ANYBODY)
    editing.set_secret(quiet, "HUSHED", "1", by=ANYBODY)
    return quiet


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_names_no_folder_that_a_member_who_sees_it_may_not_see(
    bench: Bench, quiet: Folder, client: Client, fault: str
) -> None:
    FAULTS[fault][0](bench, quiet)
    mia = member(bench, environments=["dev"], paths=["/my-secrets"])
    client.force_login(mia)

    run = bench.run()

    assert run.status == Status.FAILED
    assert ELSEWHERE in run.message
    caller, sync = Caller(ApiToken.issue(mia, "token")[1]), bench.sync
    view = SyncWatcher().view([sync.pk])[sync.pk]
    told = {
        "the message": run.message,
        "the run": client.get(run.get_absolute_url()).content.decode(),
        "its progress": client.get(reverse("admin:syncs_syncrun_progress", args=[run.pk])).content.decode(),
        "the sync": client.get(sync.get_absolute_url()).content.decode(),
        "the run by the API": str(caller.get(f"/api/v1/sync-runs/{run.pk}")),
        "the sync by the API": str(caller.get(f"/api/v1/secret-syncs/devin/{sync.pk}")),
        "a plan by the API": caller.send("POST", f"/api/v1/secret-syncs/devin/{sync.pk}/plan").content.decode(),
        "what an edit would do": view.problem,
    }
    for where, text in told.items():
        assert [word for word in HIDDEN if word in text] == [], where
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(run.get_absolute_url()).content.decode()
    assert "Open the secret" in page


@pytest.mark.parametrize("fault", FAULTS)
def test_where_all_may_see_it_a_run_says_what_is_wrong(bench: Bench, quiet: Folder, fault: str) -> None:
    build, told = FAULTS[fault]
    build(bench, quiet)
    member(bench)

    assert told in bench.run().message
    Membership.objects.update(environments=["prod"])
    assert told in bench.run().message, "who sees no such sync is told of none"


def test_what_is_wrong_with_an_own_secret_is_said(bench: Bench, quiet: Folder) -> None:
    member(bench, environments=["dev"], paths=["/my-secrets"])
    bench.source(A="${LACKING}")

    assert "The secret A in dev:/my-secrets refers to ${LACKING}" in bench.run().message
    assert SyncRun.objects.get().faulty_secret_id == bench.folder.secrets.get().pk
