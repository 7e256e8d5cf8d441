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
class Message:
    """`mood`: "bad", "good" or "", for services that show it."""

    title: str
    text: str
    mood: str
    data: dict[str, Any]


def message_of(delivery: Delivery) -> Message:
    if delivery.is_test:
        return Message(TITLE.format("Test"), f"{TEST}\n{settings.PUBLIC_URL}", "", _data(delivery, []))
    notices = list(_notices(delivery))
    title = delivery.subject
    if len(notices) == 1:
        title = subject_of(notices[0].incident, is_end=notices[0].is_end)
    text = "\n\n".join(map(_in_words, notices))
    return Message(TITLE.format(title), text, _mood(notices), _data(delivery, notices))


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
        lines.append(_url(incident.link))
    return "\n".join(line for line in lines if line)


def _mood(notices: list[Notice]) -> str:
    if all(notice.is_end or BY_NAME[notice.incident.event].is_moment for notice in notices):
        return "good"
    return "bad"


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
        "link": _url(incident.link) if incident.link else None,
        "projectId": str(incident.project_id) if incident.project_id else None,
        "syncId": str(incident.sync_id) if incident.sync_id else None,
        "beganAt": incident.opened_at.isoformat(),
        "endedAt": incident.closed_at.isoformat() if incident.closed_at else None,
    }


def _url(path: str) -> str:
    """The paths already have PATH_PREFIX where there is one; PUBLIC_URL names the host alone."""
    return f"{settings.PUBLIC_URL}{path}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
