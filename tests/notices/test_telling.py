"""From what happens to a sync to what a receiver gets: once an incident, once its end, whatever fails in between."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from notices import asking, telling
from notices.choices import Pace, State
from notices.incidents import Lookout
from notices.models import Channel, Delivery, Incident, Notice, Rule
from notices.outside.answers import Answer
from notices.telling import MOST_ATTEMPTS, send_due, try_again
from syncs.choices import BlockedReason, Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.connections.servers import Server, reply
from tests.notices.conftest import states, tell, titles

pytestmark = pytest.mark.django_db

AddSync = Callable[..., DevinSync]
AddChannel = Callable[..., Channel]
FAILED, BLOCKED = "began: Sync “web” failed", "began: Sync “web” is blocked until somebody decides"


@pytest.fixture
def sync(add_sync: AddSync) -> DevinSync:
    return add_sync("web", Status.SUCCEEDED)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Delivery]:
    """Where what leaves is not the question: deliveries that were handed over, each of them taken."""
    handed_over: list[Delivery] = []

    def send(delivery: Delivery) -> Answer:
        handed_over.append(delivery)
        return Answer(True, "200 OK: taken")

    monkeypatch.setattr(telling, "send", send)
    return handed_over


def goes(sync: DevinSync, status: Status, message: str = "") -> None:
    """As a run leaves it, while it runs or at its end."""
    is_over = status not in (Status.PENDING, Status.RUNNING)
    SyncRun.objects.create(
        sync=sync,
        sync_name=sync.name,
        trigger=Trigger.MANUAL,
        status=status if is_over else Status.RUNNING,
        finished_at=timezone.now() if is_over else None,
    )
    DevinSync.objects.filter(pk=sync.pk).update(sync_status=status, last_sync_message=message)


def pass_time() -> None:
    """All that waits for a time waits no longer."""
    Delivery.objects.filter(state=State.WAITING).update(not_before=timezone.now())
    Channel.objects.update(rests_until=None)


@pytest.mark.postgresql
def test_tells_of_an_incident_once_and_of_its_end_once(
    sync: DevinSync, add_channel: AddChannel, receiver: Server
) -> None:
    add_channel(f"{receiver.url}/hook?token=abc")
    for _ in range(3):
        goes(sync, Status.FAILED, "3 keys could not be written: A, B, C, D, E and 4 more. A: too long.")
        tell()
        goes(sync, Status.RUNNING)
        tell()
    goes(sync, Status.SUCCEEDED)
    tell()
    goes(sync, Status.SUCCEEDED)
    tell()

    assert titles(receiver) == [FAILED, "ended: Sync “web” failed"]
    began, ended = (request.json["notices"][0] for request in receiver.requests)
    assert "organization org-acme. 3 keys could not be written: A, B, C and 6 more. A: too long." in began["text"]
    assert began["link"].endswith(f"/admin/syncs/devinsync/{sync.pk}/change/")
    assert (ended["text"], ended["incidentId"]) == ("It is in step again.", began["incidentId"])
    assert receiver.requests[0].path == "/hook?token=abc"


def test_signs_what_it_sends(sync: DevinSync, add_channel: AddChannel, receiver: Server) -> None:
    channel = add_channel(f"{receiver.url}/hook")
    goes(sync, Status.FAILED)
    tell()

    request = receiver.requests[0]
    headers = {name.lower(): text for name, text in request.headers.items()}
    seconds, digest = (part.partition("=")[2] for part in headers["x-devinsync-signature"].split(","))
    expected = hmac.digest(channel.secret().encode(), f"{seconds}.".encode() + request.body, hashlib.sha256).hex()
    assert hmac.compare_digest(digest, expected)
    assert headers["x-devinsync-delivery"] == request.json["id"] == str(Delivery.objects.get().pk)


def test_another_trouble_of_the_same_sync_is_told_without_an_end(
    sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]
) -> None:
    add_channel("https://hooks.example.com")
    for status in (Status.FAILED, Status.BLOCKED, Status.CANCELLED, Status.SUCCEEDED):
        goes(sync, status)
        tell()

    told = [f"{'ended' if each.is_end else 'began'}: {each.incident.title}" for each in Notice.objects.all()]
    assert told == [FAILED, BLOCKED, BLOCKED.replace("began", "ended")]
    run = SyncRun.objects.get(status=Status.BLOCKED)
    assert Incident.objects.get(event="blocked").link == f"/admin/syncs/syncrun/{run.pk}/change/"


def test_a_plan_that_waits_for_another_person_is_told_as_that(
    sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]
) -> None:
    add_channel("https://hooks.example.com", events=("failed", "blocked", "approval"))
    goes(sync, Status.BLOCKED)
    SyncRun.objects.update(blocked_reason=BlockedReason.APPROVAL)
    tell()
    goes(sync, Status.SUCCEEDED)
    tell()

    assert [str(each) for each in sent] == [
        "Sync “web” waits for another person's approval",
        "Over: Sync “web” waits for another person's approval",
    ]
    run = SyncRun.objects.get(status=Status.BLOCKED)
    assert Incident.objects.get().link == f"/admin/syncs/syncrun/{run.pk}/change/"


def test_a_failure_under_a_later_run_is_seen(sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    add_channel("https://hooks.example.com")
    goes(sync, Status.FAILED)
    goes(sync, Status.PENDING)
    tell()

    assert [str(each) for each in sent] == ["Sync “web” failed"]


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_what_is_gone_is_over(how: str, sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    add_channel("https://hooks.example.com")
    goes(sync, Status.FAILED)
    tell()
    DevinSync.objects.filter(pk=sync.pk).update(is_enabled=False)
    if how == "deleted":
        sync.delete()
    tell()

    assert Incident.objects.get().end_text == f"The sync was {how}."
    assert len(sent) == 2


def test_tells_by_rule(sync: DevinSync, add_sync: AddSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    other = add_sync("other", Status.SUCCEEDED)
    channels = {
        "all": add_channel("https://a.example.com"),
        "this project": add_channel("https://b.example.com", project=sync.project),
        "the other sync": add_channel("https://c.example.com", sync=other),
        "blocked alone": add_channel("https://d.example.com", events=("blocked",)),
        "no end": add_channel("https://e.example.com", tells_end=False),
        "off": add_channel("https://f.example.com", is_enabled=False),
    }
    goes(sync, Status.FAILED)
    tell()
    goes(sync, Status.SUCCEEDED)
    tell()

    names = {channel.pk: name for name, channel in channels.items()}
    told = sorted(names[each.channel_id] for each in sent)
    assert told == ["all", "all", "no end", "this project", "this project"]


def test_of_two_rules_the_sooner_one_counts(sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    channel = add_channel("https://hooks.example.com", pace=Pace.DAILY)
    Rule.objects.create(channel=channel, events=["failed"], sync=sync)
    goes(sync, Status.FAILED)
    tell()

    assert [each.pace for each in sent] == [Pace.AT_ONCE]


@pytest.mark.postgresql
def test_gathers_what_is_told_once_an_hour(
    sync: DevinSync, add_sync: AddSync, add_channel: AddChannel, receiver: Server
) -> None:
    other = add_sync("other", Status.SUCCEEDED)
    add_channel(receiver.url, pace=Pace.HOURLY)
    for each in (sync, other):
        goes(each, Status.FAILED)
        tell()
    goes(sync, Status.SUCCEEDED)
    tell()
    assert receiver.requests == []
    pass_time()
    tell()

    assert titles(receiver) == [FAILED, "began: Sync “other” failed"]
    assert [each["endedAt"] is not None for each in receiver.requests[0].json["notices"]] == [True, False]


def test_an_outage_is_one_message(add_sync: AddSync, add_channel: AddChannel, receiver: Server) -> None:
    add_channel(receiver.url)
    for number in range(6):
        add_sync(f"sync-{number}", Status.FAILED)
    tell()

    assert [len(request.json["notices"]) for request in receiver.requests] == [6]


def test_a_channel_hears_so_much_an_hour_and_then_the_rest_together(
    sync: DevinSync, add_channel: AddChannel, sent: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_AN_HOUR", 3)
    add_channel("https://hooks.example.com")
    for _ in range(3):
        goes(sync, Status.FAILED)
        tell()
        goes(sync, Status.SUCCEEDED)
        tell()
    assert len(sent) == 3
    pass_time()
    tell()

    # The end of the second, and the whole of the third, which says itself that it is over.
    assert [each.notices.count() for each in sent] == [1, 1, 1, 2]


def test_tries_again_after_growing_pauses(
    sync: DevinSync, add_channel: AddChannel, receiver: Server, answers: list[bytes]
) -> None:
    add_channel(receiver.url)
    answers += [reply(503), reply(429)]
    goes(sync, Status.FAILED)
    pauses = []
    for _ in range(2):
        tell()
        delivery = Delivery.objects.get()
        pauses.append(delivery.not_before - timezone.now())
        tell()
        pass_time()
    tell()

    assert timedelta() < pauses[0] < pauses[1]
    assert len({request.json["id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == 3
    assert (Delivery.objects.get().state, Delivery.objects.get().answer) == (State.SENT, "200 OK: taken")


@pytest.mark.parametrize(
    "case",
    [
        (reply(401), "401 Unauthorized: it does not accept the credentials"),
        (reply(302, Location="http://localhost:9/"), "302 Found: it leads elsewhere, which is not followed"),
    ],
)
def test_gives_up_at_once_where_a_person_must_mend_it(
    case: tuple[bytes, str], sync: DevinSync, add_channel: AddChannel, receiver: Server, answers: list[bytes]
) -> None:
    answer, told = case
    channel = add_channel(receiver.url)
    answers.append(answer)
    goes(sync, Status.FAILED)
    tell()
    delivery = Delivery.objects.get()
    channel.refresh_from_db()

    assert (delivery.state, delivery.attempts) == (State.FAILED, 1)
    assert delivery.answer.startswith(told)
    assert channel.last_problem == delivery.answer
    assert try_again(delivery)
    assert not try_again(delivery)
    tell()
    assert states() == [State.SENT]


def test_gives_up_after_its_share_of_attempts(
    sync: DevinSync, add_channel: AddChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_channel("https://hooks.example.com")
    monkeypatch.setattr(telling, "send", lambda delivery: Answer(False, "no connection", may_pass=True))
    goes(sync, Status.FAILED)
    for _ in range(MOST_ATTEMPTS + 1):
        tell()
        pass_time()

    assert (Delivery.objects.get().state, Delivery.objects.get().attempts) == (State.FAILED, MOST_ATTEMPTS)


def test_a_sender_that_was_killed_leaves_its_message_to_the_next(
    sync: DevinSync, add_channel: AddChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it had sent, or after; it comes with the same id."""
    add_channel("https://hooks.example.com")
    handed_over: list[Any] = []

    def send(delivery: Delivery) -> Answer:
        handed_over.append(delivery.pk)
        if len(handed_over) == 1:
            raise SystemExit
        return Answer(True, "200 OK: taken")

    monkeypatch.setattr(telling, "send", send)
    goes(sync, Status.FAILED)
    with pytest.raises(SystemExit):
        tell()
    tell()
    assert len(handed_over) == 1
    pass_time()
    tell()

    assert handed_over == [Delivery.objects.get().pk] * 2
    assert states() == [State.SENT]


def test_two_who_look_and_send_tell_once(sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    add_channel("https://hooks.example.com")
    goes(sync, Status.FAILED)
    Lookout().look()
    Lookout().look()
    stale = Delivery.objects.select_related("channel").get()
    send_due()
    telling.attempt(stale)

    assert len(sent) == 1


def test_a_channel_that_fails_holds_up_no_other(
    sync: DevinSync, add_sync: AddSync, add_channel: AddChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sync("other", Status.FAILED)
    dead, alive = add_channel("https://dead.example.com"), add_channel("https://alive.example.com")
    tried: list[Any] = []

    def send(delivery: Delivery) -> Answer:
        tried.append(delivery.channel_id)
        return Answer(delivery.channel_id == alive.pk, "", may_pass=True)

    monkeypatch.setattr(telling, "send", send)
    goes(sync, Status.FAILED)
    tell()
    tell()

    assert sorted(map(str, tried)) == sorted(map(str, [dead.pk, alive.pk, alive.pk]))


# The open incidents, and the statements of those events that are looked for each time.
QUERIES = 9
QUIET = {"quiet_from": time(22), "quiet_until": time(7), "time_zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ((2026, 1, 5, 20, 59), None),
        ((2026, 1, 5, 21, 0), (2026, 1, 6, 6, 0)),
        ((2026, 1, 6, 5, 59), (2026, 1, 6, 6, 0)),
        ((2026, 1, 6, 6, 0), None),
        # In the night the clocks go forward.
        ((2026, 3, 28, 22, 0), (2026, 3, 29, 5, 0)),
    ],
)
def test_quiet_hours_are_those_of_the_place(at: tuple[int, ...], until: tuple[int, ...] | None) -> None:
    channel = Channel(**QUIET)

    silent = channel.silent_until(datetime(*at, tzinfo=UTC))  # type: ignore[misc, arg-type]

    assert silent == (datetime(*until, tzinfo=UTC) if until else None)  # type: ignore[misc, arg-type]


def test_nobody_is_woken_for_what_is_over(sync: DevinSync, add_channel: AddChannel, sent: list[Delivery]) -> None:
    channel = add_channel("https://hooks.example.com")
    channel.muted_until = timezone.now() + timedelta(hours=1)
    channel.save()
    goes(sync, Status.FAILED)
    tell()
    goes(sync, Status.SUCCEEDED)
    tell()
    assert states() == [State.WAITING, State.WAITING]
    Channel.objects.update(muted_until=None)
    for _ in range(2):
        pass_time()
        tell()

    assert sent == []
    assert states() == [State.DROPPED, State.DROPPED]


def test_an_end_comes_after_its_beginning(
    sync: DevinSync, add_channel: AddChannel, receiver: Server, answers: list[bytes]
) -> None:
    add_channel(receiver.url)
    answers.append(reply(503))
    goes(sync, Status.FAILED)
    tell()
    goes(sync, Status.SUCCEEDED)
    for _ in range(3):
        tell()
        pass_time()

    assert titles(receiver)[1:] == [FAILED, "ended: Sync “web” failed"]


def test_a_look_without_news_writes_nothing(
    sync: DevinSync, add_channel: AddChannel, sent: list[Delivery], django_assert_num_queries: Any
) -> None:
    add_channel("https://hooks.example.com")
    goes(sync, Status.FAILED)
    lookout = Lookout()
    lookout.look()

    assert lookout.look() == 0
    with django_assert_num_queries(QUERIES):
        lookout.look()
