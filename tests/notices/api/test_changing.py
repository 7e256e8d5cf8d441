"""Channels, rules and deliveries changed by scripts: as the pages would, with the pages' words for what is wrong."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.roles import ADMINISTRATOR, EDITOR
from api.http import waiting
from audit.changes import Change
from audit.models import Entry
from notices.choices import State
from notices.models import Channel, Delivery, Incident, Rule
from notices.telling import send_due
from syncs.choices import Status
from syncs.models import DevinSync
from tests.api.conftest import Caller, make_caller, make_user
from tests.connections.servers import Server, reply

pytestmark = pytest.mark.django_db

CHANNELS, RULES = "/api/v1/notifications/channels", "/api/v1/notifications/rules"
CANARY = "canary-5521"
WEBHOOK = {"name": "On-call", "way": "webhook", "address": f"https://hooks.example.com/{CANARY}"}


def newest() -> Entry:
    return Entry.objects.order_by("-pk")[0]


def message(answer: Any) -> tuple[list[str], str]:
    (issue,) = answer["message"]
    return issue["path"], issue["message"]


# Channels


def test_the_first_channel_is_told_of_what_matters(caller: Caller) -> None:
    first = caller.post(CHANNELS, WEBHOOK)
    entry = newest()
    second = caller.post(CHANNELS, WEBHOOK | {"name": "Another"})

    assert first["rule"]["channelId"] == first["channel"]["id"]
    assert {"failed", "blocked"} <= set(first["rule"]["events"])
    assert second["rule"] is None
    assert entry.detail == "Added with the rule On-call: everything through the API with API token tests."
    assert Rule.objects.count() == 1


def test_an_address_goes_in_and_is_never_answered(caller: Caller) -> None:
    made = caller.post(CHANNELS, WEBHOOK, Idempotency_Key="one")
    again = caller.post(CHANNELS, WEBHOOK, Idempotency_Key="one")
    path = f"{CHANNELS}/{made['channel']['id']}"
    answers = [caller.get(CHANNELS), caller.get(path), caller.patch(path, {"address": WEBHOOK["address"] + "2"})]
    answers += [caller.patch(path, {"address": f"ftp://{CANARY}"}, status=422), caller.delete(path)]
    tables = ["notices_channel", "audit_entry", "django_admin_log", "api_idempotencykey"]
    with database.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 -- of this list
            answers.append(cursor.fetchall())

    assert again == made, "nothing was made twice"
    assert [text for text in map(str, [made, *answers]) if CANARY in text] == []
    assert [text for text in map(str, answers) if made["signingSecret"] in text] == []


def test_a_webhook_tells_the_secret_that_signs_when_it_is_made_or_renewed(caller: Caller, channel: Channel) -> None:
    made = caller.post(CHANNELS, WEBHOOK)
    hook = Channel.objects.get(name="On-call")
    assert made["signingSecret"] == hook.secret()

    renewed = caller.post(f"{CHANNELS}/{hook.pk}/renew-secret")

    hook.refresh_from_db()
    assert made["signingSecret"] != renewed["signingSecret"] == hook.secret()
    assert newest().told_changes == [Change("secret", "set", "replaced")]
    assert caller.post(CHANNELS, {"name": "M", "way": "mail", "address": "a@example.com"})["signingSecret"] is None
    caller.post(f"{CHANNELS}/{channel.pk}/renew-secret", status=400)


@pytest.mark.parametrize(
    ("sent", "path", "told"),
    [
        ({"address": "http://hooks.example.com/"}, ["address"], "Use https"),
        ({"address": f"https://user:{CANARY}@hooks.example.com/"}, ["address"], "Leave out user"),
        ({"way": "mail", "address": CANARY}, ["address"], "no mail address"),
        ({"way": "service", "address": f"syslog://{CANARY}"}, ["address"], "no address of a service"),
        ({"name": "Channel 1"}, ["name"], "already exists"),
        ({"timeZone": "Europe/Nowhere"}, ["timeZone"], "no time zone"),
        ({"quietFrom": "22:00"}, [], "Enter both"),
        ({"quietFrom": "24:00", "quietUntil": "07:00"}, ["quietFrom"], "pattern"),
        ({"adress": "x"}, ["adress"], "Did you mean address?"),
        ({"address": ""}, ["address"], "at least 1 character"),
    ],
)
def test_says_at_the_field_what_the_page_would_say(
    sent: dict[str, str], path: list[str], told: str, caller: Caller, channel: Channel
) -> None:
    answer = caller.post(CHANNELS, WEBHOOK | sent, status=422)

    found, words = message(answer)
    assert (found, told in words) == (path, True), words
    assert CANARY not in str(answer)
    assert Channel.objects.count() == 1


def test_changes_what_is_sent_and_leaves_the_rest(caller: Caller, channel: Channel) -> None:
    path, later = f"{CHANNELS}/{channel.pk}", timezone.now() + timedelta(hours=1)
    Channel.objects.update(rests_until=later, last_problem="404 Not Found")
    waiting_one = Delivery.objects.create(channel=channel, attempts=2, answer="404 Not Found", not_before=later)

    changed = caller.patch(path, {"quietFrom": "22:00", "quietUntil": "07:00", "timeZone": "Europe/Berlin"})["channel"]
    entry = newest()
    assert (changed["quietFrom"], changed["quietUntil"], changed["name"]) == ("22:00", "07:00", "Channel 1")
    assert Change("time zone", "UTC", "Europe/Berlin") in entry.told_changes
    assert entry.detail.startswith("Changed quietFrom, quietUntil, timeZone through the API")
    channel.refresh_from_db()
    assert (channel.rests_until, channel.last_problem) == (later, "404 Not Found")
    assert channel.address() == "canary-8841@example.com"

    # Another address is tried at once.
    moved = caller.patch(path, {"address": "b@example.com", "quietFrom": None, "quietUntil": None, "isEnabled": False})
    assert newest().told_changes == [
        Change("enabled", "yes", "no"),
        Change("quiet from", "22:00:00", ""),
        Change("quiet until", "07:00:00", ""),
        Change("address", "set", "replaced"),
    ]
    channel.refresh_from_db()
    waiting_one.refresh_from_db()
    assert (moved["channel"]["shownAddress"], channel.address()) == ("b@example.com", "b@example.com")
    assert (channel.rests_until, moved["channel"]["lastProblem"]) == (None, None)
    assert waiting_one.not_before <= timezone.now()


def test_a_way_stays(caller: Caller, channel: Channel) -> None:
    path = f"{CHANNELS}/{channel.pk}"

    assert message(caller.patch(path, {"way": "webhook"}, status=422))[0] == ["way"]
    caller.patch(path, {"way": "mail"})


def test_a_test_answers_what_the_other_side_said(
    caller: Caller, add_channel: Callable[..., Channel], receiver: Server, answers: list[bytes]
) -> None:
    path = f"{CHANNELS}/{add_channel(receiver.url).pk}/test"
    answers += [reply(500, {"inner": CANARY}), reply(204)]

    failed, sent = (caller.post(path)["delivery"] for _ in range(2))

    assert (failed["state"], failed["answer"]) == ("failed", "500 Internal Server Error: it has a fault of its own")
    assert (sent["state"], sent["answer"]) == ("sent", "204 No Content: taken")
    assert (sent["isTest"], sent["incidents"]) == (True, [])
    assert CANARY not in str(failed)
    assert newest().detail == "Sent a test (204 No Content: taken) through the API with API token tests."


def test_no_more_than_half_of_the_threads_wait_for_others(
    caller: Caller, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting.slots, "acquire", lambda blocking: False)

    caller.post(f"{CHANNELS}/{channel.pk}/test", status=429)
    caller.post(CHANNELS, {"name": "Chat", "way": "service", "address": "slack://a/b/c"}, status=429)
    assert not Delivery.objects.exists()


def test_mutes_for_an_hour_and_ends_it(caller: Caller, channel: Channel) -> None:
    muted = caller.post(f"{CHANNELS}/{channel.pk}/mute")["channel"]
    entry = newest()
    ended = caller.post(f"{CHANNELS}/{channel.pk}/unmute")["channel"]

    assert muted["mutedUntil"] is not None
    assert [change.field for change in entry.told_changes] == ["muted until"]
    assert ended["mutedUntil"] is None


def test_a_channel_goes_with_its_rules_and_deliveries_counted(caller: Caller, history: list[Incident]) -> None:
    channel = Channel.objects.get()

    caller.delete(f"{CHANNELS}/{channel.pk}")

    assert not Rule.objects.exists()
    assert not Delivery.objects.exists()
    assert newest().detail.startswith("Deleted with 1 rules and 5 deliveries through the API")
    caller.get(f"{CHANNELS}/{channel.pk}", status=404)


# Rules


@pytest.fixture
def sync(add_sync: Callable[..., DevinSync]) -> DevinSync:
    return add_sync("web", Status.SUCCEEDED)


def test_a_rule_of_a_project_or_a_sync(caller: Caller, channel: Channel, sync: DevinSync) -> None:
    body = {"channelId": str(channel.pk), "events": ["drift", "failed"], "pace": "daily", "tellsEnd": False}
    of_sync = caller.post(RULES, body | {"syncId": str(sync.pk)})["rule"]
    assert (of_sync["syncId"], of_sync["projectId"], of_sync["pace"]) == (str(sync.pk), None, "daily")
    assert (of_sync["events"], of_sync["tellsEnd"], of_sync["isEnabled"]) == (["drift", "failed"], False, True)

    path = f"{RULES}/{of_sync['id']}"
    both = caller.patch(path, {"projectId": str(sync.project_id)}, status=422)
    of_project = caller.patch(path, {"projectId": str(sync.project_id), "syncId": None})["rule"]

    assert message(both) == ([], "Choose a project or a sync, not both: a sync is in a project.")
    assert (of_project["syncId"], of_project["projectId"]) == (None, str(sync.project_id))
    assert (of_project["events"], of_project["tellsEnd"]) == (["drift", "failed"], False)
    assert newest().told_changes == [Change("project", "", sync.project.slug), Change("sync", "web", "")]
    assert newest().project == sync.project.slug

    caller.delete(path)
    caller.get(path, status=404)
    assert (newest().action, newest().kind) == ("deleted", "rule")


@pytest.mark.parametrize(
    ("sent", "path", "told"),
    [
        ({"events": []}, ["events"], "at least 1 item"),
        ({"events": ["eaten"]}, ["events", 0], "There is no such event"),
        ({"channelId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, ["channelId"], "valid choice"),
        ({"projectId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, ["projectId"], "no such project"),
        ({"syncId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, ["syncId"], "no such sync"),
        ({"pace": "never"}, ["pace"], "at_once"),
    ],
)
def test_says_at_the_field_what_a_rule_cannot_be(
    sent: dict[str, Any], path: list[Any], told: str, caller: Caller, channel: Channel
) -> None:
    answer = caller.post(RULES, {"channelId": str(channel.pk), "events": ["failed"]} | sent, status=422)

    found, words = message(answer)
    assert (found, told in words) == (path, True), words


# Deliveries


def test_a_failed_message_is_sent_again(
    caller: Caller, add_channel: Callable[..., Channel], receiver: Server, answers: list[bytes]
) -> None:
    channel = add_channel(receiver.url)
    incident = Incident.objects.create(event="failed", subject="sync:1", title="Failed")
    delivery = Delivery.objects.create(channel=channel, state=State.FAILED, subject="Failed")
    delivery.notices.create(incident=incident, channel=channel)
    path = f"/api/v1/notifications/deliveries/{delivery.pk}"

    assert caller.post(f"{path}/retry")["delivery"]["state"] == "waiting"
    assert newest().told_changes == [Change("state", "failed", "waiting")]
    assert "did not fail" in caller.post(f"{path}/retry", status=400)["message"]
    send_due()

    assert caller.get(path)["delivery"]["state"] == "sent"
    assert receiver.requests[0].json["id"] == str(delivery.pk)


# Who may


def test_takes_the_right_and_the_scope(channel: Channel) -> None:
    user, path = make_user("adam", ADMINISTRATOR), f"{CHANNELS}/{channel.pk}/mute"

    make_caller(user, scopes=["notifications:read"]).post(path, status=403)
    make_caller(user, scopes=["notifications:write"]).post(path)
    make_caller(make_user("eve", EDITOR)).post(path, status=403)
