"""Where messages go, and where they never go: real servers here, listed or not; and what a person is told of it."""

import io
import logging
from collections.abc import Callable

import pytest
from django.conf import LazySettings

from connections.addresses import AddressRefused
from notices.choices import State, Way
from notices.messages import message_of
from notices.models import Channel, Delivery, Incident
from notices.outside.doors import Doors
from notices.outside.services import describe, with_key
from notices.sending import send, service_at
from notices.telling import send_now
from syncs.choices import Status
from syncs.models import DevinSync
from tests.connections.servers import Server, reply
from tests.notices.conftest import MailBox, tell

pytestmark = pytest.mark.django_db

AddChannel = Callable[..., Channel]
AddSync = Callable[..., DevinSync]


def test_of(channel: Channel) -> Delivery:
    delivery = Delivery(channel=channel, is_test=True, subject="Test")
    send_now(delivery)
    return delivery


test_of.__test__ = False  # type: ignore[attr-defined]


def test_mail_goes_by_the_server_of_the_installation(add_channel: AddChannel, mail: MailBox) -> None:
    delivery = test_of(add_channel("a@example.com b@example.com", Way.MAIL))

    assert (delivery.state, delivery.answer) == (State.SENT, "SMTP 250: taken")
    (envelope,) = mail.mails
    assert envelope.rcpt_tos == ["a@example.com", "b@example.com"]
    text = envelope.content.decode()
    assert "Subject: [DevinSync] Test" in text
    assert f"<{delivery.pk}@devinsync>" in text


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (
            "554 you-are-on-a-list",
            "SMTP 554: the mail server refuses it: see the addresses of the channel and MAIL_FROM",
        ),
        ("451 later-please", "SMTP 451: the mail server cannot take it now"),
    ],
)
def test_says_why_mail_was_not_taken(refusal: str, told: str, add_channel: AddChannel, mail: MailBox) -> None:
    mail.refusal = refusal

    assert test_of(add_channel("a@example.com", Way.MAIL)).answer == told


def test_mail_needs_a_server(add_channel: AddChannel, settings: LazySettings) -> None:
    settings.SMTP_HOST = ""

    assert "set SMTP_HOST" in test_of(add_channel("a@example.com", Way.MAIL)).answer


def test_a_service_is_told_by_apprise(add_channel: AddChannel, receiver: Server, answers: list[bytes]) -> None:
    channel = add_channel(f"{receiver.url.replace('http', 'json')}/hook?redirect=yes&verify=no", Way.SERVICE)
    taken = test_of(channel)
    answers.append(reply(404))
    refused = test_of(channel)

    assert (taken.state, taken.answer) == (State.SENT, "200 OK: taken")
    assert receiver.requests[0].json["title"] == "[DevinSync] Test"
    assert (refused.state, refused.answer[:13]) == (State.FAILED, "404 Not Found")


def test_an_on_call_service_closes_what_it_opened(add_channel: AddChannel, receiver: Server, add_sync: AddSync) -> None:
    """Of several at once each by itself, so that each is closed by itself; a test leaves nothing open."""
    channel = add_channel(f"{receiver.url.replace('http', 'goalert')}/{'a' * 8}-1111-1111-1111-{'b' * 12}", Way.SERVICE)
    test_of(channel)
    syncs = [add_sync(f"sync-{number}", Status.FAILED) for number in range(6)]
    tell()
    DevinSync.objects.filter(pk=syncs[0].pk).update(sync_status=Status.SUCCEEDED)
    tell()

    sent = [(each.json["dedup"], each.json.get("action", "open")) for each in receiver.requests]
    keys = [str(each.pk) for each in Incident.objects.order_by("title")]
    test = str(Delivery.objects.get(is_test=True).pk)
    assert sent[:2] == [(test, "open"), (test, "close")]
    assert sorted(sent[2:8]) == sorted((key, "open") for key in keys)
    assert sent[8:] == [(keys[0], "close")]


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("pagerduty://abcdefghij0123456789abcdefgh0123@abcdefghijklmnopqrst", "?dedup=KEY&action=map"),
        ("pagerduty://abcdefghij0123456789abcdefgh0123@abcdefghijklmnopqrst?action=trigger", "&dedup=KEY"),
        ("opsgenie://abcdefgh-1234-1234-1234-123456789012/", "?alias=KEY&action=map"),
        ("slack://TTTTTTTTT/BBBBBBBBB/abcdefghijklmnopqrstuvwx", None),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the code of some plugin or other
def test_asks_services_by_the_words_of_their_plugins(address: str, asked: str | None) -> None:
    assert with_key(address, "KEY") == ("" if asked is None else f"{address}{asked}")


@pytest.mark.parametrize("way", [Way.WEBHOOK, Way.SERVICE])
def test_follows_no_redirect(way: Way, add_channel: AddChannel, receiver: Server, answers: list[bytes]) -> None:
    """Not even back to a host that is listed, and whatever the address asks Apprise for."""
    scheme = "http" if way == Way.WEBHOOK else "json"
    answers.append(reply(307, Location=f"{receiver.url}/elsewhere"))
    delivery = test_of(add_channel(f"{receiver.url.replace('http', scheme)}/hook?redirect=yes", way))

    assert delivery.answer.startswith("307 Temporary Redirect: it leads elsewhere, which is not followed")
    assert [request.path.partition("?")[0] for request in receiver.requests] == ["/hook"]


@pytest.mark.parametrize(
    ("way", "address"),
    [(Way.WEBHOOK, "http://127.0.0.1:{port}/"), (Way.SERVICE, "json://127.0.0.1:{port}/"), (Way.MAIL, "a@example.com")],
)
def test_nobody_there_may_be_there_later(
    way: Way, address: str, add_channel: AddChannel, receiver: Server, settings: LazySettings
) -> None:
    port = int(receiver.url.rpartition(":")[2])
    receiver.stop()
    settings.SMTP_HOST, settings.SMTP_PORT, settings.MAIL_FROM = "127.0.0.1", port, "devinsync@example.com"
    answer = send(Delivery(channel=add_channel(address.format(port=port), way), is_test=True))

    assert (answer.is_taken, answer.may_pass) == (False, True)
    assert answer.words in ("no connection came about, or it was cut", NO_MAIL_SERVER_THERE)


NO_MAIL_SERVER_THERE = "the mail server did not answer in time, broke off, or was not there"
HERE = "the name leads into a private network, which is for listed hosts alone"
NEVER = "the name leads to an address that no API has"


@pytest.mark.parametrize(
    "case",
    [
        # A name that leads into a private network: this machine's own.
        (Way.WEBHOOK, "https://localhost:{port}/", HERE),
        (Way.SERVICE, "jsons://localhost:{port}/", HERE),
        (Way.SERVICE, "mailtos://u:p@localhost:{port}?to=a@example.com&smtp=localhost", HERE),
        (Way.WEBHOOK, "https://10.1.2.3/", HERE),
        (Way.WEBHOOK, "https://[::ffff:10.1.2.3]/", HERE),
        # Metadata services, listed or not.
        (Way.WEBHOOK, "https://169.254.169.254/", NEVER),
        (Way.SERVICE, "jsons://169.254.169.254/", NEVER),
        (Way.SERVICE, "json://localhost:{port}/", "plain http is for hosts in NOTIFY_HOSTS alone: use https"),
    ],
)
def test_nothing_goes_where_it_must_not(
    case: tuple[Way, str, str], add_channel: AddChannel, receiver: Server, settings: LazySettings
) -> None:
    way, address, told = case
    settings.NOTIFY_HOSTS = ["169.254.169.254"]
    port = receiver.url.rpartition(":")[2]
    delivery = test_of(add_channel(address.format(port=port), way))

    assert (delivery.state, delivery.answer) == (State.FAILED, told)
    assert receiver.connections == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the code of some plugin or other
def test_a_service_that_is_no_connection_is_none() -> None:
    none = ("syslog://", "rsyslog://localhost", "dbus://", "nonsense://x", "no address at all", "")

    assert {describe({"address": address})["service"] for address in none} == {""}
    assert describe({"address": "json://localhost"}) == {"service": "JSON"}
    assert service_at("nonsense://x") == ""


def test_doors_judge_what_a_name_leads_to_and_what_no_name_did() -> None:
    def look_up(host: str, *_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ({"inside.example.com": "10.0.0.7", "tricky.example.com": "192.168.0.1"}[host], 443))]

    doors = Doors(["inside.example.com:443"], look_up=look_up)
    doors.look_up("inside.example.com", 443)
    doors.on_event("socket.connect", (None, ("10.0.0.7", 443)))
    refused: list[Callable[[], object]] = [
        lambda: doors.look_up("inside.example.com", 80),
        lambda: doors.look_up("tricky.example.com", 443),
        lambda: doors.on_event("socket.connect", (None, ("10.0.0.8", 443))),
        lambda: doors.on_event("socket.connect", (None, ("inside.example.com", 443))),
        lambda: doors.on_event("socket.connect", (None, "/run/docker.sock")),
        lambda: doors.on_event("socket.sendto", (None, ("10.0.0.7", 53))),
        lambda: doors.on_event("subprocess.Popen", ("sh",)),
    ]

    for each in refused:
        with pytest.raises(AddressRefused):
            each()


def test_no_token_is_in_a_log_a_row_or_a_message(
    add_channel: AddChannel, receiver: Server, answers: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)
    answers += [reply(403, {"token": "canary-9917"}), reply(500)]
    host = receiver.url.partition("//")[2]
    for way, address in ((Way.WEBHOOK, f"http://{host}/canary-9917"), (Way.SERVICE, f"json://u:canary-9917@{host}/x")):
        channel = add_channel(address, way)
        delivery = test_of(channel)
        rows = [vars(row) for row in (*Channel.objects.all(), *Delivery.objects.all())]
        assert "canary-9917" not in f"{rows}{vars(message_of(delivery))}"
        assert channel.address() == address
    logging.getLogger().removeHandler(handler)

    assert len(receiver.requests) == 2
    assert "canary-9917" not in logged.getvalue() + caplog.text
    assert "was not told" in caplog.text
