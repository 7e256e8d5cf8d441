"""The services that Apprise knows, by its addresses: `slack://…`, `pagerduty://…` and a hundred others."""

import smtplib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import apprise

from notices.outside.answers import Answer, of_smtp
from notices.outside.doors import Doors
from notices.outside.web import Rules

# They tell this machine's screen or log, or are reached by no connection.
LOCAL = frozenset(("blink1", "dbus", "glib", "gnome", "growl", "macosx", "rsyslog", "syslog", "windows"))

# What plugins call that by which a service knows what it opened; the first that one takes.
KEYS = ("dedup", "alias", "entity_id")
MOODS = {"bad": apprise.NotifyType.FAILURE, "good": apprise.NotifyType.SUCCESS}


def describe(order: dict[str, Any]) -> dict[str, Any]:
    """Which service an address is of, "" if of none that can be used here; nothing is sent."""
    service = _open(order["address"])
    if service is None or type(service).__module__.split(".")[2] in LOCAL:
        return {"service": ""}
    return {"service": str(service.service_name or "service")}


def notify(order: dict[str, Any], doors: Doors) -> Answer:
    """A service that opens something for each incident, and closes it, is told of each by itself."""
    rules = Rules(doors, ca_file=order["ca_file"], seconds=order["seconds"])
    rules.hold()
    told = Told(doors, rules, _listen_to_mail_servers())
    if not order["parts"] or not with_key(order["address"], ""):
        return told.send(order["address"], order)
    answers = [told.send(with_key(order["address"], part["key"]), part) for part in order["parts"]]
    return next((answer for answer in answers if not answer.is_taken), answers[-1])


def with_key(address: str, key: str) -> str:
    """The address with what lets a service close what it opened, unless it has that already; "" if it knows no such
    thing. Each plugin says in its own table of arguments what it takes."""
    service = _open(address)
    arguments = getattr(service, "template_args", {})
    name = next((name for name in KEYS if name in arguments), "")
    if not name:
        return ""
    given = {name: key}
    if "map" in arguments.get("action", {}).get("values", ()):
        given["action"] = "map"
    present = parse_qs(address.partition("?")[2])
    more = urlencode({name: text for name, text in given.items() if name not in present})
    return f"{address}{'&' if '?' in address else '?'}{more}" if more else address


@dataclass
class Told:
    """Sends by one service, and finds out what came of it: Apprise itself says yes or no."""

    doors: Doors
    rules: Rules
    replies: list[int]

    def send(self, address: str, message: dict[str, Any]) -> Answer:
        service = _open(address)
        if service is None:
            return Answer(False, "Apprise does not know this address: enter it again")
        self.rules.answer = None
        self.replies.clear()
        sender = apprise.Apprise()
        sender.add(service)
        text, title, kind = message["text"], message["title"], MOODS.get(message["mood"], apprise.NotifyType.INFO)
        is_taken = sender.notify(text, title, kind, body_format=apprise.NotifyFormat.TEXT)
        return self._answer(is_taken=bool(is_taken))

    def _answer(self, *, is_taken: bool) -> Answer:
        heard = self.rules.answer or (of_smtp(self.replies[-1]) if self.replies else None)
        if is_taken:
            return Answer(True, heard.words if heard else "taken")
        if heard is not None and not heard.is_taken:
            return heard
        problem = self.doors.problem or "the service did not take the message"
        return Answer(False, problem, may_pass=not self.doors.has_refused)


def _open(address: str) -> Any:
    memory = apprise.PersistentStoreMode.MEMORY
    # The time that it may take is bounded from outside.
    asset = apprise.AppriseAsset(async_mode=False, http_redirects=False, storage_mode=memory, service_timeout=0)
    return apprise.Apprise.instantiate(address, asset=asset)


def _listen_to_mail_servers() -> list[int]:
    """Fills with the status of each of their replies but the last of a conversation, which only says goodbye."""
    statuses: list[int] = []
    getreply = smtplib.SMTP.getreply

    def listen(server: smtplib.SMTP) -> tuple[int, bytes]:
        status, text = getreply(server)
        if status != 221:
            statuses.append(status)
        return status, text

    smtplib.SMTP.getreply = listen  # type: ignore[method-assign, assignment]
    return statuses
