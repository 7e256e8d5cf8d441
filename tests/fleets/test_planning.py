"""“Plan all”: what the runs of a set would do, counted by the scheduler and told on the set's page."""

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.devin.errors import Unreachable
from fleets.generating import generate
from fleets.models import SyncSet
from fleets.planning import Summary, ask_for_plans, plan_next, summary_of
from syncs.choices import BlockedReason
from syncs.engine.changes import Create, Delete, Plan
from syncs.engine.preview import Preview
from syncs.errors import Blocked
from syncs.models import DevinSync
from tests.fleets.conftest import CONSOLE, List, MakeSet
from tests.syncs.people import log_in

CREATES = Plan(creates=(Create("A", "A", "new"), Create("B", "B", "new")))
DELETES = Plan(deletes=(Delete("C", "secret-c", "key-value", "gone"),))
HELD = Blocked("Too many.", reason=BlockedReason.TOO_MANY_DELETIONS)


@pytest.fixture
def previews(monkeypatch: pytest.MonkeyPatch) -> dict[str, Preview | Exception]:
    """What the plan of an organization answers, by its id; nothing to do, where nothing is said."""
    said: dict[str, Preview | Exception] = {}

    def preview(sync: DevinSync) -> Preview:
        answer = said.get(sync.org_id, Preview(Plan(), None))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("fleets.planning.preview", preview)
    return said


@pytest.fixture
def each(make_set: MakeSet, devin_lists: List) -> SyncSet:
    devin_lists("Acme", "Beta", "Gamma", "Delta")
    return make_set()


def plan_all(each: SyncSet) -> Summary:
    ask_for_plans(each.pk, by=CONSOLE)
    while plan_next():
        pass
    each.refresh_from_db()
    found = summary_of(each)
    assert found is not None
    return found


def test_whoever_comes_later_is_in_no_plan_that_was_asked_for_before(
    each: SyncSet, devin_lists: List, previews: dict[str, Preview | Exception]
) -> None:
    assert plan_all(each).total == 4
    devin_lists("Acme", "Beta", "Gamma", "Delta", "Omega")
    generate(each.pk)

    assert not plan_next()
    found = summary_of(each)

    assert found is not None
    assert (found.total, found.done) == (4, 4)
    assert plan_all(each).total == 5


def test_what_all_would_do_is_counted_together(each: SyncSet, previews: dict[str, Preview | Exception]) -> None:
    previews["org-acme"] = Preview(CREATES, None)
    previews["org-beta"] = Preview(DELETES, HELD)
    previews["org-gamma"] = Unreachable("No answer.")

    found = plan_all(each)

    assert (found.total, found.done, found.unchanged, found.changing, found.problems) == (4, 4, 1, 2, 1)
    assert found.told == "2 to create, 1 to delete"
    assert [(member.slug, told) for member, told in found.grave] == [("beta", "1 to delete")]


def test_nothing_is_planned_that_nobody_asked_for(each: SyncSet, previews: dict[str, Preview | Exception]) -> None:
    assert summary_of(each) is None
    assert not plan_next()


def test_asked_again_all_are_planned_again(each: SyncSet, previews: dict[str, Preview | Exception]) -> None:
    plan_all(each)
    previews["org-acme"] = Preview(CREATES, None)

    assert plan_all(each).told == "2 to create"


def test_one_that_nothing_can_plan_keeps_no_other_waiting(
    each: SyncSet, previews: dict[str, Preview | Exception]
) -> None:
    previews["org-acme"] = ZeroDivisionError()
    ask_for_plans(each.pk, by=CONSOLE)

    with pytest.raises(ZeroDivisionError):
        plan_next()
    while plan_next():
        pass

    each.refresh_from_db()
    found = summary_of(each)
    assert found is not None
    assert (found.is_done, found.unchanged, found.problems) == (True, 3, 1)


@pytest.fixture
def operator(client: Client) -> Client:
    log_in(client, "operator")
    return client


def test_a_person_asks_and_sees(each: SyncSet, operator: Client, previews: dict[str, Preview | Exception]) -> None:
    previews["org-beta"] = Preview(DELETES, HELD)
    page, progress = each.get_absolute_url(), reverse("admin:fleets_syncset_progress", args=[each.pk])

    operator.post(reverse("admin:fleets_syncset_plan", args=[each.pk]))
    plan_next()

    assert "1 of 4 plans drawn" in operator.get(page).content.decode()
    assert "data-finished" not in operator.get(progress).content.decode()
    DevinSync.objects.update(sync_status="succeeded")
    while plan_next():
        pass
    shown = " ".join(operator.get(page).content.decode().split())
    assert "3 unchanged, 1 would change: 1 to delete" in shown
    assert "beta</a>: 1 to delete" in shown
    assert "data-finished" in operator.get(progress).content.decode()


def test_the_page_with_plans_takes_twelve_statements_at_most(
    each: SyncSet, operator: Client, previews: dict[str, Preview | Exception], count_of: Callable[[str], int]
) -> None:
    plan_all(each)

    assert count_of(each.get_absolute_url()) <= 12


@pytest.fixture
def count_of(operator: Client) -> Callable[[str], int]:
    def count(address: str) -> int:
        operator.get(address)
        with CaptureQueriesContext(database) as asked:
            assert operator.get(address).status_code == 200
        return len(asked)

    return count
