"""The rollout of a set on its page: how far it is, and what a person may say of it."""

import re
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fleets.choices import RolloutState, State
from fleets.models import Rollout, SyncSet
from fleets.waves import conductor
from syncs.choices import OPEN_STATUSES, Status
from syncs.models import DevinSync, SyncRun
from tests.fleets.conftest import List, MakeSet
from tests.syncs.people import log_in

Say = Callable[[str], str]


@pytest.fixture
def each(make_set: MakeSet, devin_lists: List) -> SyncSet:
    """With a canary, and a rollout under way to it."""
    devin_lists("Acme", "Beta", "Gamma")
    each = make_set(canaries="org-beta")
    conductor.tend(each.pk)
    return each


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    log_in(client, "operator")
    return client


def end_runs(status: Status) -> None:
    runs = SyncRun.objects.filter(status__in=OPEN_STATUSES)
    DevinSync.objects.filter(runs__in=runs).update(sync_status=status, last_sync_message="Devin said no.")
    runs.update(status=status)


def rollout() -> Rollout:
    return Rollout.objects.order_by("-started_at")[0]


@pytest.fixture
def say(operator: Client, each: SyncSet) -> Say:
    """A person's word on the last rollout; the page that follows."""

    def post(what: str) -> str:
        address = reverse("admin:fleets_syncset_rollout", args=[each.pk, rollout().pk, what])
        return " ".join(operator.post(address, follow=True).content.decode().split())

    return post


def page(client: Client, each: SyncSet) -> str:
    return " ".join(client.get(each.get_absolute_url()).content.decode().split())


def test_a_rollout_under_way_is_told(operator: Client, each: SyncSet) -> None:
    shown = page(operator, each)

    assert "A change is on its way: wave 1 of 2" in shown
    assert "1 under way, 2 to come" in shown
    assert [run.org_id for run in SyncRun.objects.pending()] == ["org-beta"]


def test_a_failed_wave_stops_it_and_a_person_lets_it_go_on(operator: Client, each: SyncSet, say: Say) -> None:
    end_runs(Status.FAILED)
    conductor.tend(each.pk)
    assert rollout().state == RolloutState.STOPPED
    shown = page(operator, each)
    assert "The rollout has stopped in wave 1 of 2" in shown
    assert "beta</a>: Devin said no." in shown

    assert "The rollout goes on." in say("go-on")

    assert {run.org_id for run in SyncRun.objects.pending()} == {"org-acme", "org-gamma"}


def test_a_person_stops_it(say: Say) -> None:
    assert "The rollout has been stopped." in say("stop")

    assert rollout().state == RolloutState.STOPPED
    assert not SyncRun.objects.pending().exists()


def test_a_person_ends_it(say: Say, operator: Client, each: SyncSet) -> None:
    say("end")

    assert rollout().state == RolloutState.ENDED
    assert "Last rollout: ended" in page(operator, each)


def test_all_get_it_now(say: Say) -> None:
    say("all-now")

    assert {run.org_id for run in SyncRun.objects.pending()} == {"org-acme", "org-beta", "org-gamma"}


def test_what_was_said_too_late_is_refused_in_words(say: Say) -> None:
    say("end")

    assert "This rollout is ended by now." in say("go-on")


def test_sync_all_goes_in_waves(operator: Client, each: SyncSet, say: Say) -> None:
    say("end")
    SyncRun.objects.all().delete()

    operator.post(reverse("admin:fleets_syncset_run", args=[each.pk]))

    assert [run.org_id for run in SyncRun.objects.pending()] == ["org-beta"]
    assert rollout().started_by is not None


def test_a_rollout_of_another_set_is_not_found(operator: Client, each: SyncSet, make_set: MakeSet) -> None:
    other = make_set(name="other")
    address = reverse("admin:fleets_syncset_rollout", args=[other.pk, rollout().pk, "stop"])

    assert operator.post(address).status_code == 404
    unknown = reverse("admin:fleets_syncset_rollout", args=[each.pk, rollout().pk, "explode"])
    assert operator.post(unknown).status_code == 404
    assert rollout().state == RolloutState.RUNNING


def test_the_page_with_a_stopped_rollout_takes_twelve_statements_at_most(
    operator: Client, each: SyncSet, say: Say
) -> None:
    end_runs(Status.FAILED)
    conductor.tend(each.pk)
    page(operator, each)

    with CaptureQueriesContext(database) as asked:
        page(operator, each)

    assert len(asked) <= 12


def wave_cells(client: Client, each: SyncSet) -> list[str]:
    """What the column says, by the organizations' order."""
    cells = re.findall(r'<td data-label="Wave"[^>]*>(.*?)</td>', page(client, each))
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in cells]


def test_the_page_says_which_wave_each_organization_is_in(operator: Client, each: SyncSet, say: Say) -> None:
    assert wave_cells(operator, each) == [
        "Wave 2 To come",
        "Canary Under way",
        "Wave 2 To come",
    ]

    SyncSet.objects.update(wave_size=1)
    assert wave_cells(operator, each)[2] == "Wave 2 To come next time: Wave 3"
    each.members.filter(slug="gamma").update(state=State.LEFT)
    assert wave_cells(operator, each)[2] == "–", "it has left"
    each.members.filter(slug="gamma").update(state=State.ACTIVE)
    say("end")
    assert wave_cells(operator, each) == ["Wave 2", "Canary", "Wave 3"], "in the next one"
    DevinSync.objects.filter(member__slug="gamma").delete()
    assert wave_cells(operator, each) == ["Wave 2", "Canary", "–"]
    SyncSet.objects.update(canaries="")
    assert wave_cells(operator, each) == ["Wave 1", "Wave 2", "–"]


def test_a_set_that_reaches_all_at_once_has_no_such_column(operator: Client, each: SyncSet, make_set: MakeSet) -> None:
    assert wave_cells(operator, make_set(name="other")) == []
