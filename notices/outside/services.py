"""The services that Apprise knows, by its addresses: `slack://…`, `pagerduty://…` and a hundred others."""

import smtplib
from typing import Any

import apprise

from notices.outside.answers import Answer, of_smtp
from notices.outside.doors import Doors
from notices.outside.web import Rules

# They tell this machine's screen or log, or are reached by no connection.
LOCAL = frozenset(("blink1", "dbus", "glib", "gnome", "growl", "macosx", "rsyslog", "syslog", "windows"))


def describe(order: dict[str, Any]) -> dict[str, Any]:
    """Which service an address is of, "" if of none that can be used here; nothing is sent."""
    service = _open(order["address"])
    if service is None or type(service).__module__.split(".")[2] in LOCAL:
        return {"service": ""}
    return {"service": str(service.service_name or "service")}


def notify(order: dict[str, Any], doors: Doors) -> Answer:
    rules = Rules(doors, ca_file=order["ca_file"], seconds=order["seconds"])
    rules.hold()
    replies = _listen_to_mail_servers()
    service = _open(order["address"])
    if service is None:
        return Answer(False, "Apprise does not know this address: enter it again")
    sender = apprise.Apprise()
    sender.add(service)
    kinds = {"bad": apprise.NotifyType.FAILURE, "good": apprise.NotifyType.SUCCESS}
    kind = kinds.get(order["mood"], apprise.NotifyType.INFO)
    is_taken = sender.notify(order["text"], order["title"], kind, body_format=apprise.NotifyFormat.TEXT)
    told = rules.answer or (of_smtp(replies[-1]) if replies else None)
    if is_taken:
        return Answer(True, told.words if told else "taken")
    if told is not None and not told.is_taken:
        return told
    return Answer(False, doors.problem or "the service did not take the message", may_pass=not doors.has_refused)


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
