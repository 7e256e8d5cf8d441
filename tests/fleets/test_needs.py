"""Who hears of a set that waits for a person: the overview, the list, notices and metrics."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from fleets.choices import Cause, RolloutState, State
from fleets.models import Rollout, SyncSet
from metrics.gauges import SETS
from metrics.moment import read_moment
from notices.incidents import Lookout
from notices.models import Incident
from overview.attention import collect_attention
from tests.fleets.conftest import List, MakeSet

REASON = "2 of 2 failed."
LISTED = reverse("admin:fleets_syncset_changelist")


@pytest.fixture
def each(make_set: MakeSet, devin_lists: List) -> SyncSet:
    devin_lists("Acme", "Beta", "Gamma")
    return make_set()


def stops(each: SyncSet) -> None:
    Rollout.objects.create(set=each, state=RolloutState.STOPPED, cause=Cause.CHANGE, reason=REASON)


def goes_on(each: SyncSet) -> None:
    Rollout.objects.update(state=RolloutState.RUNNING)


def puts(state: State, message: str = "", *, slugs: tuple[str, ...] = ("acme", "beta")) -> Callable[[SyncSet], object]:
    return lambda each: each.members.filter(slug__in=slugs).update(state=state, message=message)


def says(message: str) -> Callable[[SyncSet], object]:
    return lambda each: SyncSet.objects.filter(pk=each.pk).update(message=message)


CASES = {
    "stopped": (stops, goes_on, "Rollout stopped", REASON, "The rollout of sync set “core” has stopped"),
    "approval": (
        puts(State.WAITING),
        puts(State.ACTIVE),
        "To approve",
        "2 new organizations wait for approval",
        "Sync set “core” has new organizations to approve",
    ),
    "not_made": (
        puts(State.FAILED, "There is no folder /orgs/acme."),
        puts(State.ACTIVE),
        "Not made",
        "2 organizations could not be made like the set. There is no folder /orgs/acme.",
        "Sync set “core” can't make all of its syncs",
    ),
    "source": (
        says("The folders could not be listed."),
        says(""),
        "Source unreadable",
        "The folders could not be listed.",
        "Sync set “core” can't read its source",
    ),
}


@pytest.mark.parametrize("need", CASES)
def test_it_is_told_everywhere_until_it_is_over(
    need: str, each: SyncSet, make_set: MakeSet, admin_user: User, admin_client: Client
) -> None:
    begins, ends, word, message, title = CASES[need]
    make_set(name="all-well")
    Lookout().look()

    begins(each)
    Lookout().look()
    (told,) = collect_attention(admin_user).rows
    counted = next(values for gauge, values in read_moment() if gauge is SETS)
    waits = admin_client.get(LISTED, {"needs": "person"})
    incident = Incident.objects.get()
    ends(each)
    Lookout().look()

    assert (told.word, told.name, told.url) == (word, "core", each.get_absolute_url())
    assert message in told.message
    assert {state: number for (state,), number in counted.items() if number} == {need: 1}
    assert [row.name for row in waits.context["cl"].result_list] == ["core"]
    badge = {"approval": "2 to approve", "not_made": "2 failed or blocked"}.get(need, word)
    assert f">{badge}</span>" in waits.content.decode()
    assert (incident.event, incident.title, incident.closed_at) == ("sync-set", title, None)
    assert message in incident.text
    assert incident.link == each.get_absolute_url()
    assert Incident.objects.get().closed_at is not None
    assert collect_attention(admin_user).rows == []


def test_of_several_needs_the_overview_names_the_gravest_and_counts_one_set(each: SyncSet, admin_user: User) -> None:
    stops(each)
    puts(State.WAITING, slugs=("gamma",))(each)

    attention = collect_attention(admin_user)

    assert [row.word for row in attention.rows] == ["Rollout stopped"]
    assert attention.count == 1
    assert attention.rows[0].message == f"{REASON} 1 new organization waits for approval on the set's page."


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"is_ending": True}])
def test_nobody_is_asked_about_one_that_is_switched_off_or_goes(
    change: dict[str, bool], each: SyncSet, admin_user: User
) -> None:
    stops(each)
    SyncSet.objects.update(**change)
    Lookout().look()

    assert collect_attention(admin_user).rows == []
    assert not Incident.objects.exists()


def test_a_set_without_an_organization_is_not_said_to_be_well(
    each: SyncSet, make_set: MakeSet, admin_client: Client
) -> None:
    make_set(name="nobody", selection="matching", chosen="zzz-*")

    listed = admin_client.get(LISTED).content.decode()

    assert listed.count(">All well</span>") == 1, "core"
    assert listed.count(">No organization</span>") == 1, "nobody"


def test_whoever_does_not_see_a_set_is_not_told_of_it(each: SyncSet) -> None:
    stops(each)

    assert collect_attention(User.objects.create_user("stranger", is_staff=True)).count == 0
