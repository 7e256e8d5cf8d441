"""A delivery in words, for people and for programs: titles, reasons and links. No value, no token, no comment."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from notices.asking import subject_of
from notices.events import BY_NAME
from notices.models import Delivery, Notice

TITLE = "[DevinSync] {}"
TEST = "This is a test. Whoever reads it is told by DevinSync through this channel."


@dataclass(frozen=True)
class Part:
    """What one incident is told by, where each has a page of its own: `key` is that of its beginning and its end.

    `mood`: "bad", "good" or "".
    """

    key: str
    title: str
    text: str
    mood: str


@dataclass(frozen=True)
class Message:
    title: str
    text: str
    mood: str
    data: dict[str, Any]
    parts: list[Part]


def message_of(delivery: Delivery) -> Message:
    if delivery.is_test:
        return _test(delivery)
    notices = list(_notices(delivery))
    parts = [_part(notice) for notice in notices]
    title = parts[0].title if len(parts) == 1 else TITLE.format(delivery.subject)
    text = "\n\n".join(map(_in_words, notices))
    mood = "bad" if any(part.mood == "bad" for part in parts) else "good"
    return Message(title, text, mood, _data(delivery, notices), parts)


def _test(delivery: Delivery) -> Message:
    """Where an incident would stay open, its end follows."""
    title, text, key = TITLE.format("Test"), f"{TEST}\n{settings.PUBLIC_URL}", str(delivery.pk)
    parts = [Part(key, title, text, "bad"), Part(key, TITLE.format("Over: Test"), text, "good")]
    return Message(title, text, "", _data(delivery, []), parts)


def _part(notice: Notice) -> Part:
    incident = notice.incident
    is_good = notice.is_end or BY_NAME[incident.event].is_moment
    title = TITLE.format(subject_of(incident, is_end=notice.is_end))
    return Part(str(incident.pk), title, _in_words(notice), "good" if is_good else "bad")


def signature(secret: str, body: str, at: datetime) -> str:
    """As Stripe and others write it: `t=<seconds since 1970>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`."""
    seconds = int(at.timestamp())
    digest = hmac.digest(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hex()
    return f"t={seconds},v1={digest}"


def body_of(message: Message) -> str:
    return json.dumps(message.data)


def _notices(delivery: Delivery) -> QuerySet[Notice]:
    return delivery.notices.select_related("incident").order_by("pk")


def _in_words(notice: Notice) -> str:
    incident = notice.incident
    lines = [subject_of(incident, is_end=notice.is_end)]
    if notice.is_end:
        lines.append(incident.end_text)
    else:
        lines.append(incident.text)
        if incident.closed_at and not BY_NAME[incident.event].is_moment:
            lines.append(f"Over since: {_time(incident.closed_at)}. {incident.end_text}")
    if incident.link:
        lines.append(url_of(incident.link))
    return "\n".join(line for line in lines if line)


def _data(delivery: Delivery, notices: list[Notice]) -> dict[str, Any]:
    return {
        "id": str(delivery.pk),
        "isTest": delivery.is_test,
        "installation": settings.PUBLIC_URL,
        "notices": [_entry(notice) for notice in notices],
    }


def _entry(notice: Notice) -> dict[str, Any]:
    incident = notice.incident
    return {
        "incidentId": str(incident.pk),
        "event": incident.event,
        "state": "ended" if notice.is_end else "began",
        "title": incident.title,
        "text": incident.end_text if notice.is_end else incident.text,
        "link": url_of(incident.link) if incident.link else None,
        "projectId": str(incident.project_id) if incident.project_id else None,
        "syncId": str(incident.sync_id) if incident.sync_id else None,
        "beganAt": incident.opened_at.isoformat(),
        "endedAt": incident.closed_at.isoformat() if incident.closed_at else None,
    }


def url_of(path: str) -> str:
    """The paths already have PATH_PREFIX where there is one; PUBLIC_URL names the host alone."""
    return f"{settings.PUBLIC_URL}{path}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
