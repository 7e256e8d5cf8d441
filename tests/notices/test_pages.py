"""Channels, rules and deliveries in the admin: who may, what is shown, and what a first channel is told of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from notices.choices import State, Way
from notices.models import Channel, Delivery, Incident, Rule
from syncs.choices import Status
from syncs.models import DevinSync
from tests.connections.servers import Server, reply
from tests.notices.conftest import MailBox, tell
from tests.syncs.people import ROLES, log_in

pytestmark = pytest.mark.django_db

AddChannel = Callable[..., Channel]
ALLOWED = ("administrator", "superuser")
ADD = "/admin/notices/channel/add/"
FORM = {"name": "On-call", "way": "webhook", "time_zone": "UTC", "address": "https://hooks.example.com/canary-5521"}


@dataclass(frozen=True)
class Route:
    name: str
    of: str = ""
    method: str = "post"
    data: dict[str, str] = field(default_factory=dict)


ROUTES = (
    Route("channel_changelist", method="get"),
    Route("channel_add", method="get"),
    Route("channel_add"),
    Route("channel_change", "channel", method="get"),
    Route("channel_change", "channel"),
    Route("channel_delete", "channel", data={"post": "yes"}),
    Route("channel_history", "channel", method="get"),
    Route("channel_test", "channel"),
    Route("channel_mute", "channel", data={"on": "1"}),
    Route("channel_renew", "channel"),
    Route("rule_changelist", method="get"),
    Route("rule_add"),
    Route("rule_change", "rule"),
    Route("rule_delete", "rule", data={"post": "yes"}),
    Route("incident_changelist", method="get"),
    Route("incident_change", "incident", method="get"),
    Route("delivery_changelist", method="get"),
    Route("delivery_change", "delivery", method="get"),
    Route("delivery_retry", "delivery"),
)
NEVER = ("incident_add", "delivery_add")


@pytest.fixture
def rows(add_channel: AddChannel, settings: object) -> dict[str, list[object]]:
    """A channel that refuses everything, as mail has no server here."""
    channel = add_channel("a@example.com", Way.MAIL)
    incident = Incident.objects.create(event="failed", subject="sync:1", title="Sync “web” failed")
    delivery = Delivery.objects.create(channel=channel, state=State.FAILED, subject=incident.title)
    delivery.notices.create(incident=incident, channel=channel)
    rule = channel.rules.get()
    return {"channel": [channel.pk], "incident": [incident.pk], "delivery": [delivery.pk], "rule": [rule.pk], "": []}


@pytest.mark.parametrize("role", ROLES)
def test_lets_in_administrators_alone(role: str, client: Client, rows: dict[str, list[object]]) -> None:
    log_in(client, role)
    for route in ROUTES:
        before = everything()
        with transaction.atomic():
            address = reverse(f"admin:notices_{route.name}", args=rows[route.of])
            response = getattr(client, route.method)(address, route.data)
            is_turned_away = response.status_code == 403 or "/login/" in response.headers.get("Location", "")
            assert is_turned_away == (role not in ALLOWED), route
            assert response.status_code in (200, 302, 403)
            assert everything() == before or not is_turned_away
            transaction.set_rollback(True)


def everything() -> list[object]:
    return [list(model.objects.values()) for model in (Channel, Rule, Delivery, Incident)]


def test_links_change_nothing_and_nobody_writes_history(client: Client, rows: dict[str, list[object]]) -> None:
    log_in(client, "superuser")

    for name in ("channel_test", "channel_mute", "channel_renew", "delivery_retry"):
        pk = rows[name.partition("_")[0]]
        assert client.get(reverse(f"admin:notices_{name}", args=pk)).status_code == 405
    for name in NEVER:
        assert client.post(reverse(f"admin:notices_{name}")).status_code == 403


@pytest.fixture
def browser_of_an_administrator(somebody: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(somebody("Administrator"))


def test_the_first_channel_is_told_of_what_matters(browser_of_an_administrator: Client) -> None:
    browser_of_an_administrator.post(ADD, FORM)
    browser_of_an_administrator.post(ADD, FORM | {"name": "Another"})

    rule = Rule.objects.get()
    assert (rule.channel.name, rule.scope, rule.tells_end) == ("On-call", "everything", True)
    assert {"failed", "blocked"} <= set(rule.events)


def test_an_address_goes_in_and_is_never_seen_again(browser_of_an_administrator: Client) -> None:
    client = browser_of_an_administrator
    pages = [client.post(ADD, FORM | {"name": ""}).content]
    created = client.post(ADD, FORM)
    channel = Channel.objects.get()
    change = reverse("admin:notices_channel_change", args=[channel.pk])
    pages += [created.content, client.get(change).content, client.get("/admin/notices/channel/").content]
    client.post(change, {"name": "On-call", "is_enabled": "on", "time_zone": "UTC", "address": ""})
    pages.append(client.post(change, {"name": "", "address": FORM["address"] + "2"}).content)
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM notices_channel")
        pages.append(f"{cursor.fetchall()}".encode())
    channel.refresh_from_db()

    assert [page for page in pages if b"canary-5521" in page] == []
    assert channel.address() == FORM["address"]
    assert channel.shown_address == "hooks.example.com"
    assert channel.secret().encode() in created.content
    assert [page for page in pages[2:] if channel.secret().encode() in page] == []


@pytest.mark.parametrize(
    ("way", "address", "problem"),
    [
        ("webhook", "http://hooks.example.com/", "Use https"),
        ("webhook", "ftp://hooks.example.com/", "This is no web address"),
        ("webhook", "https://user:canary-1@hooks.example.com/", "Leave out user"),
        ("webhook", "", "Enter the address."),
        ("mail", "somebody", "no mail address"),
        ("service", "syslog://", "no address of a service"),
    ],
)
def test_an_address_that_cannot_be_told_is_refused(
    way: str, address: str, problem: str, browser_of_an_administrator: Client
) -> None:
    page = browser_of_an_administrator.post(ADD, FORM | {"way": way, "address": address}).content.decode()

    assert problem in page
    assert not Channel.objects.exists()
    assert "canary-1" not in page


def test_a_test_says_what_came_of_it(
    browser_of_an_administrator: Client, add_channel: AddChannel, receiver: Server, answers: list[bytes]
) -> None:
    channel = add_channel(receiver.url)
    answers += [reply(500, {"inner": "canary-77"}), reply(204)]
    address = reverse("admin:notices_channel_test", args=[channel.pk])
    pages = [browser_of_an_administrator.post(address, follow=True).content.decode() for _ in range(2)]

    assert "500 Internal Server Error: it has a fault of its own." in pages[0]
    assert "204 No Content: taken." in pages[1]
    assert "canary-77" not in pages[0]
    assert Entry.objects.filter(detail="Sent a test: 204 No Content: taken.").exists()


def test_another_address_is_tried_at_once(browser_of_an_administrator: Client, add_channel: AddChannel) -> None:
    channel = add_channel("https://hooks.example.com")
    later = timezone.now() + timedelta(hours=1)
    Channel.objects.update(rests_until=later)
    waiting = Delivery.objects.create(channel=channel, attempts=2, answer="404 Not Found", not_before=later)
    form = {"name": "On-call", "is_enabled": "on", "time_zone": "UTC", "address": "https://hooks.example.org"}
    browser_of_an_administrator.post(reverse("admin:notices_channel_change", args=[channel.pk]), form)
    waiting.refresh_from_db()
    channel.refresh_from_db()

    assert waiting.not_before <= timezone.now()
    assert channel.rests_until is None


def test_mutes_for_an_hour_and_ends_it(browser_of_an_administrator: Client, add_channel: AddChannel) -> None:
    channel = add_channel("https://hooks.example.com")
    address = reverse("admin:notices_channel_mute", args=[channel.pk])
    page = browser_of_an_administrator.post(address, {"on": "1"}, follow=True).content.decode()

    assert "Muted for an hour." in page
    assert "End the mute" in page
    assert "Mute for an hour" in browser_of_an_administrator.post(address, follow=True).content.decode()


def test_a_rule_names_a_sync_by_its_project(
    browser_of_an_administrator: Client, add_channel: AddChannel, add_sync: Callable[..., DevinSync]
) -> None:
    sync, channel = add_sync("web", Status.SUCCEEDED), add_channel("https://hooks.example.com")
    form = {"channel": str(channel.pk), "events": ["failed"], "pace": "daily", "is_enabled": "on"}
    wrong = browser_of_an_administrator.post("/admin/notices/rule/add/", form | {"sync": "shop/nope"})
    browser_of_an_administrator.post("/admin/notices/rule/add/", form | {"sync": "shop/web"})
    rule = Rule.objects.get(pace="daily")
    page = browser_of_an_administrator.get(reverse("admin:notices_rule_change", args=[rule.pk])).content.decode()

    assert "There is no such sync" in wrong.content.decode()
    assert rule.sync == sync
    assert "shop/web" in page


def test_a_rule_is_of_a_project_that_is_offered(
    browser_of_an_administrator: Client, add_channel: AddChannel, add_sync: Callable[..., DevinSync]
) -> None:
    project, channel = add_sync("web", Status.SUCCEEDED).project, add_channel("https://hooks.example.com")
    page = browser_of_an_administrator.get("/admin/notices/rule/add/").content.decode()
    form = {"channel": str(channel.pk), "events": ["failed"], "pace": "daily", "is_enabled": "on"}
    browser_of_an_administrator.post("/admin/notices/rule/add/", form | {"project": str(project.pk)})

    assert str(project.pk) in page
    assert Rule.objects.get(pace="daily").project == project


def test_a_failed_delivery_is_sent_again_by_a_button(
    browser_of_an_administrator: Client, add_channel: AddChannel, add_sync: Callable[..., DevinSync], mail: MailBox
) -> None:
    add_channel("a@example.com", Way.MAIL)
    mail.refusal = "554 no"
    add_sync("web", Status.FAILED)
    tell()
    delivery = Delivery.objects.get()
    page = browser_of_an_administrator.get(reverse("admin:notices_delivery_change", args=[delivery.pk]))
    mail.refusal = ""
    browser_of_an_administrator.post(reverse("admin:notices_delivery_retry", args=[delivery.pk]))
    tell()

    assert "Try again" in page.content.decode()
    assert len(mail.mails) == 1
    incident = browser_of_an_administrator.get(
        reverse("admin:notices_incident_change", args=[Incident.objects.get().pk])
    )
    assert "Go on" in incident.content.decode()


def test_an_editor_deletes_a_sync_that_a_rule_is_about(
    client: Client, add_channel: AddChannel, add_sync: Callable[..., DevinSync]
) -> None:
    sync = add_sync("web", Status.SUCCEEDED)
    add_channel("https://hooks.example.com", sync=sync)
    log_in(client, "editor")
    client.post(reverse("admin:syncs_devinsync_delete", args=[sync.pk]), {"secrets": "leave"})

    assert not DevinSync.objects.exists()
    assert not Rule.objects.exists()


def test_lists_open_incidents_of_an_event(browser_of_an_administrator: Client, add_channel: AddChannel) -> None:
    channel = add_channel("https://hooks.example.com")
    for number, (event, is_over) in enumerate((("failed", False), ("failed", True), ("workers", False))):
        closed_at = timezone.now() if is_over else None
        incident = Incident.objects.create(event=event, subject=f"{number}", title=f"No. {number}", closed_at=closed_at)
        delivery = Delivery.objects.create(channel=channel)
        delivery.notices.create(incident=incident, channel=channel)

    page = browser_of_an_administrator.get("/admin/notices/incident/?state=open&event=failed").content.decode()

    assert [number for number in range(3) if f"No. {number}" in page] == [0]
    assert "Channel 1" in page


@pytest.mark.parametrize("name", ["channel", "rule", "incident", "delivery"])
def test_an_empty_list_says_what_to_do(name: str, browser_of_an_administrator: Client) -> None:
    page = browser_of_an_administrator.get(f"/admin/notices/{name}/")

    assert page.context["cl"].model_admin.empty_text in page.content.decode().replace("&#x27;", "'")
