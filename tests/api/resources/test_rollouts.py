"""Rollouts of sync sets by the API: how far a change has come, and what a person says of it."""

from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry

from connections.devin.types import RemoteOrganization
from connections.models import Connection
from connections.organizations import take_over
from fleets.choices import RolloutState, StepState
from fleets.editing import create_set
from fleets.generating import generate
from fleets.models import Rollout, SyncSet
from fleets.waves.companion import tend_all
from syncs.choices import Status
from syncs.models import SyncRun
from tests.api.conftest import Caller
from tests.fleets.conftest import CONSOLE
from vault.models import Folder

SETS = "/api/v1/secret-syncs/devin-sets"
pytestmark = pytest.mark.usefixtures("queue")


@pytest.fixture
def each(folder: Folder, connection: Connection) -> SyncSet:
    """Its first rollout is under way: to Beta, the canary, then to Acme."""
    take_over(connection, [RemoteOrganization("org-acme", "Acme"), RemoteOrganization("org-beta", "Beta")])
    project = folder.environment.project
    made = SyncSet(name="core", project=project, folder=folder, connection=connection, canaries="org-beta")
    create_set(made, by=CONSOLE)
    generate(made.pk)
    tend_all()
    return made


def last(caller: Caller, each: SyncSet) -> dict[str, object]:
    return caller.get(f"{SETS}/{each.pk}/rollouts")["rollouts"][0]  # type: ignore[no-any-return]


def waiting() -> list[str]:
    return list(SyncRun.objects.pending().order_by("org_id").values_list("org_id", flat=True))


def fail(each: SyncSet) -> None:
    """The canary's run does, and so the rollout stops."""
    SyncRun.objects.pending().update(status=Status.FAILED)
    tend_all()


def test_tells_how_far_a_change_has_come(viewer: Caller, each: SyncSet) -> None:
    rollout = last(viewer, each)

    assert (rollout["state"], rollout["wave"], rollout["waves"], rollout["reason"]) == ("running", 1, 2, None)
    assert rollout["counts"] == {"total": 2, "waiting": 1, "running": 1, "done": 0, "failed": 0, "skipped": 0}
    assert (waiting(), rollout["endedAt"]) == (["org-beta"], None)


def test_one_that_stopped_goes_on_when_a_person_says_so(operator: Caller, each: SyncSet) -> None:
    fail(each)
    stopped = last(operator, each)
    assert stopped["state"] == RolloutState.STOPPED
    assert "1 of 1 failed" in str(stopped["reason"])
    path = f"{SETS}/{each.pk}/rollouts/{stopped['id']}"

    went_on = operator.post(f"{path}/go-on")["rollout"]

    assert (went_on["state"], went_on["wave"]) == ("running", 2)
    assert waiting() == ["org-acme"]
    assert "under way by now" in operator.post(f"{path}/go-on", status=400)["message"]


@pytest.mark.parametrize(("word", "state"), [("stop", RolloutState.STOPPED), ("end", RolloutState.ENDED)])
def test_a_person_stops_or_ends_it(operator: Caller, each: SyncSet, word: str, state: str) -> None:
    path = f"{SETS}/{each.pk}/rollouts/{last(operator, each)['id']}"

    answer = operator.post(f"{path}/{word}")["rollout"]

    assert answer["state"] == state
    assert "by operator" in answer["reason"]
    assert waiting() == []
    assert set(Rollout.objects.get().steps.values_list("state", flat=True)) == {StepState.WAITING}


def test_an_urgent_change_reaches_all_now(operator: Caller, each: SyncSet) -> None:
    fail(each)

    answer = operator.post(f"{SETS}/{each.pk}/all-now")["rollout"]

    assert (answer["state"], answer["counts"]["running"]) == ("running", 2)
    assert waiting() == ["org-acme", "org-beta"]
    lines = LogEntry.objects.filter(object_id=str(each.pk)).order_by("pk").values_list("change_message", flat=True)
    told = "Sent a change to all organizations that it had not reached through the API with API token tests."
    assert list(lines)[1:] == [told]


def test_of_another_set_there_is_none(operator: Caller, each: SyncSet, folder: Folder) -> None:
    other = SyncSet(name="other", project=each.project, folder=folder, connection=each.connection)
    other.save()

    refused = operator.post(f"{SETS}/{other.pk}/rollouts/{last(operator, each)['id']}/stop", status=404)

    assert "no rollout" in refused["message"]
    assert Rollout.objects.get().state == RolloutState.RUNNING
    assert operator.get(f"{SETS}/{other.pk}/rollouts") == {"rollouts": []}


def test_who_only_sees_a_set_says_nothing_of_its_rollouts(viewer: Caller, each: SyncSet) -> None:
    path = f"{SETS}/{each.pk}/rollouts/{UUID(str(last(viewer, each)['id']))}"

    for address in (f"{path}/go-on", f"{path}/stop", f"{path}/end", f"{SETS}/{each.pk}/all-now"):
        viewer.post(address, status=403)


def test_tells_which_wave_each_organization_is_in(viewer: Caller, operator: Caller, each: SyncSet) -> None:
    def told() -> list[tuple[object, ...]]:
        rows = viewer.get(f"{SETS}/{each.pk}/organizations")["organizations"]
        return [(row["orgId"], row["isCanary"], row["wave"], row["turn"], row["nextWave"]) for row in rows]

    assert told() == [("org-acme", False, 2, "waiting", 2), ("org-beta", True, 1, "running", 1)]
    rollout = f"{SETS}/{each.pk}/rollouts/{last(viewer, each)['id']}"
    turns = viewer.get(f"{rollout}/organizations")
    assert [
        (row["orgId"], row["wave"], row["isCanary"], row["state"], bool(row["runId"])) for row in turns["turns"]
    ] == [
        ("org-beta", 1, True, "running", True),
        ("org-acme", 2, False, "waiting", False),
    ]
    paged = viewer.get(f"{rollout}/organizations?limit=1&offset=1")
    assert ([row["orgId"] for row in paged["turns"]], paged["totalCount"]) == (["org-acme"], 2)

    operator.post(f"{rollout}/end")
    assert told() == [("org-acme", False, None, None, 2), ("org-beta", True, None, None, 1)]
    one = viewer.get(f"{SETS}/{each.pk}/organizations/org-beta")["organization"]
    assert (one["isCanary"], one["wave"], one["nextWave"]) == (True, None, 1)


def test_a_rollout_of_another_set_has_no_turns(viewer: Caller, each: SyncSet) -> None:
    viewer.get(f"{SETS}/{each.pk}/rollouts/{each.pk}/organizations", status=404)
