"""Real servers on this machine, which the tests list as hosts that may be told: a web server and a mail server."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import LazySettings

from notices.choices import Way
from notices.incidents import Lookout
from notices.models import Channel, Delivery, Rule
from notices.telling import send_due
from tests.connections.servers import Received, Server, reply, serving

LISTED = ["127.0.0.1"]


class MailBox:
    """What an SMTP server took; `refusal` is what it says instead, if that is set."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refusal = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusal:
            return self.refusal
        self.mails.append(envelope)
        return "250 taken"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[tuple[MailBox, int]]:
    box = MailBox()
    controller = Controller(box, hostname="127.0.0.1", port=0)
    # Its own port, which the controller would not tell where it is asked for any.
    with socket.create_server(("127.0.0.1", 0)) as free:
        controller.port = free.getsockname()[1]
    controller.start()
    yield box, controller.port
    controller.stop()


@pytest.fixture
def mail(mail_server: tuple[MailBox, int], settings: LazySettings) -> MailBox:
    box, port = mail_server
    box.mails.clear()
    box.refusal = ""
    settings.SMTP_HOST, settings.SMTP_PORT, settings.SMTP_SECURITY = "127.0.0.1", port, "none"
    settings.MAIL_FROM = "DevinSync <devinsync@example.com>"
    return box


@pytest.fixture
def answers() -> list[bytes]:
    """What the web server says next, and at last 200."""
    return []


@pytest.fixture
def receiver(answers: list[bytes], settings: LazySettings) -> Iterator[Server]:
    def answer(request: Received, sock: socket.socket) -> bytes:
        return answers.pop(0) if answers else reply(200, {"secret": "of the other side"})

    settings.NOTIFY_HOSTS = LISTED
    with serving(answer) as server:
        yield server


@pytest.fixture
def add_channel(db: None) -> Callable[..., Channel]:
    def make(
        address: str, way: Way = Way.WEBHOOK, events: tuple[str, ...] = ("failed", "blocked"), **rule: Any
    ) -> Channel:
        channel = Channel(name=f"Channel {Channel.objects.count() + 1}", way=way)
        channel.set_address(address, shown="shown")
        if way == Way.WEBHOOK:
            channel.renew_secret()
        channel.save()
        Rule.objects.create(channel=channel, events=list(events), **rule)
        return channel

    return make


def tell() -> None:
    """What the scheduler's companion does in one turn."""
    Lookout().look()
    send_due()


def titles(server: Server) -> list[str]:
    return [f"{each['state']}: {each['title']}" for sent in server.requests for each in sent.json["notices"]]


def states() -> list[str]:
    return list(Delivery.objects.order_by("created_at").values_list("state", flat=True))
