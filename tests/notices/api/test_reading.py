"""What is told to whom, as scripts read it: a page at a time, narrowed, and never an address."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.roles import ADMINISTRATOR, EDITOR
from notices.models import Channel, Delivery, Incident
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from vault import editing

pytestmark = pytest.mark.django_db
ALL = "/api/v1/notifications"


def ask(caller: Caller, what: str, **query: Any) -> Any:
    return caller.get(f"{ALL}/{what}?{urlencode(query)}")


def titles(answer: Any) -> list[str]:
    return [each["title"] for each in answer.get("incidents", answer.get("deliveries"))]


def test_a_channel_is_answered_without_its_address(caller: Caller, channel: Channel) -> None:
    listed = caller.get(f"{ALL}/channels")["channels"]
    one = caller.get(f"{ALL}/channels/{channel.pk}")["channel"]

    assert listed == [one]
    assert (one["name"], one["way"], one["shownAddress"], one["isEnabled"]) == ("Channel 1", "mail", "shown", True)
    assert (one["quietFrom"], one["mutedUntil"], one["lastProblem"]) == (None, None, None)
    assert "canary-8841" not in str(one)


def test_a_mute_that_is_over_is_none(caller: Caller, channel: Channel) -> None:
    Channel.objects.update(muted_until=timezone.now())

    assert caller.get(f"{ALL}/channels/{channel.pk}")["channel"]["mutedUntil"] is None


def test_rules_of_a_channel(caller: Caller, channel: Channel, add_channel: Any) -> None:
    project = editing.create_project(name="Shop", by=ANYBODY)
    other = add_channel("https://hooks.example.com", project=project)

    everything, narrow = caller.get(f"{ALL}/rules")["rules"]
    assert (everything["channelId"], everything["projectId"], everything["syncId"]) == (str(channel.pk), None, None)
    assert (everything["events"], everything["pace"], everything["tellsEnd"]) == (
        ["failed", "blocked"],
        "at_once",
        True,
    )
    assert narrow["projectId"] == str(project.pk)
    assert ask(caller, "rules", channelId=other.pk)["rules"] == [narrow]
    assert caller.get(f"{ALL}/rules/{narrow['id']}")["rule"] == narrow


@pytest.mark.parametrize("what", ["incidents", "deliveries"])
def test_goes_through_what_happened_page_by_page(what: str, caller: Caller, history: list[Incident]) -> None:
    first = ask(caller, what, limit=3)
    # What comes meanwhile moves nothing.
    Incident.objects.create(event="failed", subject="sync:new", title="New")
    Delivery.objects.create(channel=Channel.objects.get(), subject="New")
    second = ask(caller, what, limit=3, cursor=first["nextCursor"])

    assert titles(first) + titles(second) == [f"Incident {number}" for number in (4, 3, 2, 1, 0)]
    assert second["nextCursor"] is None
    assert len(titles(ask(caller, what, limit=6))) == 6


@pytest.mark.parametrize("what", ["incidents", "deliveries"])
def test_of_what_came_at_the_same_moment_none_is_missed(what: str, caller: Caller, history: list[Incident]) -> None:
    at = timezone.now()
    Incident.objects.update(opened_at=at)
    Delivery.objects.update(created_at=at)

    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = ask(caller, what, limit=2, **cursor)
        found += titles(page)
        cursor = {"cursor": page["nextCursor"]}

    assert sorted(found) == [f"Incident {number}" for number in range(5)]


def test_each_filter_of_incidents_leaves_what_fits(caller: Caller, history: list[Incident]) -> None:
    project, sync = uuid4(), uuid4()
    Incident.objects.filter(pk=history[3].pk).update(project_id=project, sync_id=sync)
    at = history[2].opened_at.isoformat()

    for query, found in (
        ({"event": "failed"}, [3, 2, 1, 0]),
        ({"event": "workers", "state": "over"}, []),
        ({"state": "open"}, [4, 3, 2]),
        ({"state": "over"}, [1, 0]),
        ({"projectId": project}, [3]),
        ({"syncId": sync}, [3]),
        ({"since": at}, [4, 3, 2]),
        ({"until": at}, [1, 0]),
    ):
        assert titles(ask(caller, "incidents", **query)) == [f"Incident {number}" for number in found], query


def test_each_filter_of_deliveries_leaves_what_fits(caller: Caller, history: list[Incident]) -> None:
    at = history[2].opened_at.isoformat()
    end = Delivery.objects.get(subject="Incident 4")
    end.notices.create(incident=history[0], channel=end.channel, is_end=True)

    for query, found in (
        ({"state": "sent"}, []),
        ({"state": "failed", "since": at}, [4, 3, 2]),
        ({"until": at}, [1, 0]),
        ({"channelId": uuid4()}, []),
        ({"channelId": end.channel_id}, [4, 3, 2, 1, 0]),
        ({"incidentId": history[0].pk}, [4, 0]),
    ):
        assert titles(ask(caller, "deliveries", **query)) == [f"Incident {number}" for number in found], query


def test_an_incident_says_who_was_told_and_a_delivery_of_what(
    caller: Caller, history: list[Incident], settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "https://devinsync.example.com"
    Incident.objects.update(link="/admin/x/", text="1 key could not be written.", end_text="A run succeeded.")
    delivery = Delivery.objects.get(subject="Incident 1")

    incident = caller.get(f"{ALL}/incidents/{history[1].pk}")["incident"]
    sent = caller.get(f"{ALL}/deliveries/{delivery.pk}")["delivery"]

    assert incident["link"] == "https://devinsync.example.com/admin/x/"
    assert (incident["state"], incident["text"], incident["endText"]) == (
        "over",
        "1 key could not be written.",
        "A run succeeded.",
    )
    (told,) = incident["told"]
    assert (told["channelName"], told["deliveryId"], told["isEnd"]) == ("Channel 1", str(delivery.pk), False)
    assert (told["deliveryState"], sent["state"], sent["answer"]) == ("failed", "failed", "554 no")
    assert (sent["nextAttemptAt"], sent["isTest"]) == (None, False)
    assert sent["incidents"] == [{"incidentId": str(history[1].pk), "title": "Incident 1", "isEnd": False}]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("incidents?event=eaten", "event"),
        ("incidents?state=gone", "state"),
        ("incidents?cursor=newest", "cursor"),
        ("incidents?cursor=20261301T000000000000-3c90c3cc0d444b5088888dd25736052a", "cursor"),
        ("incidents?since=0001-01-01T00:00:00%2B23:00", "since"),
        ("deliveries?state=eaten", "state"),
        ("deliveries?limit=1001", "limit"),
        ("rules/0", "rule_id"),
        (f"rules/{2**63}", "rule_id"),
    ],
)
def test_names_the_parameter_that_is_wrong(caller: Caller, query: str, field: str) -> None:
    assert caller.get(f"{ALL}/{query}", status=422)["message"][0]["path"][-1] == field


def test_a_parameter_that_is_unknown_is_refused(caller: Caller) -> None:
    assert "Did you mean channelId?" in caller.get(f"{ALL}/deliveries?channel=x", status=400)["message"]


@pytest.mark.parametrize("what", ["channels", "incidents", "deliveries"])
def test_says_that_there_is_none(what: str, caller: Caller) -> None:
    answer = caller.get(f"{ALL}/{what}/3c90c3cc-0d44-4b50-8888-8dd25736052a", status=404)

    assert answer["message"].startswith("There is no ")


@pytest.mark.parametrize("what", ["channels", "rules", "incidents", "deliveries"])
def test_takes_the_right_and_the_scope(what: str) -> None:
    make_caller(make_user("eve", EDITOR)).get(f"{ALL}/{what}", status=403)
    user = make_user("adam", ADMINISTRATOR)

    make_caller(user, scopes=["notifications:read"]).get(f"{ALL}/{what}")
    make_caller(user, scopes=["audit:read", "syncs:read"]).get(f"{ALL}/{what}", status=403)
