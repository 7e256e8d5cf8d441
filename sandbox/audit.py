"""Who created, changed or deleted which secret of an organization, and when: the audit log of the sandbox.

`GET /v3/enterprise/audit-logs` and `GET /v3/organizations/{org_id}/audit-logs` with `order`, `first`, `after`,
`action`, `time_after` and `time_before` (Unix seconds) are known from clients that were made from Cognition's OpenAPI
document. What their `data` holds of a secret is documented nowhere; here it is its id and key. Kept in memory alone.
"""

import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs

from sandbox.query import CursorUnknown, QueryRefused, asked_for

EVENTS_KEPT = 5000
CREATED, UPDATED, DELETED = "create_secret", "update_secret", "delete_secret"
NUMBERS = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person, or a service user by its API key."""

    user_id: str | None = None
    user_email: str | None = None
    service_user_id: str | None = None
    service_user_name: str | None = None


STRANGER = Actor(user_id="user-stranger", user_email="stranger@example.com")


@dataclass(frozen=True, kw_only=True)
class Event:
    number: int
    action: str
    org_id: str
    actor: Actor
    data: dict[str, object]
    created_at: int = field(default_factory=lambda: int(time.time()))

    def as_item(self) -> dict[str, object]:
        return {
            "audit_log_id": f"audit-{self.number}",
            "created_at": self.created_at,
            "action": self.action,
            "org_id": self.org_id,
            **asdict(self.actor),
            "data": self.data,
        }


class AuditLog:
    """Of one organization. Thread-safe."""

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)

    def record(self, action: str, actor: Actor, **data: object) -> None:
        with self._lock:
            self._events.append(Event(number=next(NUMBERS), action=action, org_id=self._org_id, actor=actor, data=data))

    def events(self) -> list[Event]:
        with self._lock:
            return list(self._events)

    def clear(self) -> None:
        with self._lock:
            self._events.clear()


def list_events(logs: Iterable[AuditLog], query: str, *, page_size: int | None = None) -> dict[str, object]:
    """A page of the events of all these logs, the newest first unless `order=asc`. Raises QueryRefused."""
    first, after = asked_for(query)
    asked = {name: texts[-1] for name, texts in parse_qs(query).items()}
    events = chosen(itertools.chain.from_iterable(log.events() for log in logs), asked)
    ids = [f"audit-{event.number}" for event in events]
    if after and after not in ids:
        raise CursorUnknown
    start, size = ids.index(after) + 1 if after else 0, min(first, page_size or first)
    has_next_page = start + size < len(events)
    return {
        "items": [event.as_item() for event in events[start : start + size]],
        "end_cursor": ids[start + size - 1] if has_next_page else None,
        "has_next_page": has_next_page,
        "total": None,
    }


def chosen(events: Iterable[Event], asked: dict[str, str]) -> list[Event]:
    order = asked.get("order", "desc")
    if order not in ("asc", "desc"):
        raise QueryRefused("order", "Input should be 'asc' or 'desc'")
    earliest, latest = seconds(asked, "time_after"), seconds(asked, "time_before")
    found = [
        event
        for event in events
        if asked.get("action", event.action) == event.action
        and (earliest is None or event.created_at >= earliest)
        and (latest is None or event.created_at <= latest)
    ]
    return sorted(found, key=lambda event: event.number, reverse=order == "desc")


def seconds(asked: dict[str, str], name: str) -> int | None:
    text = asked.get(name)
    if text is not None and not re.fullmatch("[0-9]{1,12}", text):
        raise QueryRefused(name, "Input should be a whole number of seconds")
    return None if text is None else int(text)
