"""One line of Devin's audit logs, as far as it can be understood.

The routes and the members beside `data` are known from clients that were made from Cognition's OpenAPI document; what
`data` holds of a secret is documented nowhere. So nothing in here is an error: what is missing, or is of another type
than it should be, is not known. Names are made harmless, as they are others' words.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.visible import visible
from connections.devin.types import LARGEST_NUMBER, LONGEST_ID, LONGEST_KEY, PRINCIPAL_IDS

LONGEST_NAME = 200
WHO = ("user_email", "service_user_name", "user_name", *PRINCIPAL_IDS)
# Members of `data` that say of which secret it is, spelled in any way, with those around them before their names; and
# what speaks of something else.
IDS = re.compile("(.*(secret|resource|target|object|entity|item))?(uu)?id")
NAMES = re.compile("key|name|secret|resource|target")
NOT_THE_SECRET = re.compile("user|actor|org|project|environment|type")
# Beyond these nobody looks.
DEEPEST, MOST_WORDS = 6, 200
MILLISECONDS = 10**11
# The first second of the year 9999: beyond it there is none in every time zone.
LAST = 253_370_764_800


@dataclass(frozen=True)
class AuditEvent:
    """`at` is in Unix seconds. `ids` are what `data` calls ids, `names` what may be keys in it, `words` all in it."""

    action: str = ""
    at: int | None = None
    org_id: str = ""
    by_id: str = ""
    by: str = ""
    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, data: object) -> "AuditEvent":
        if not isinstance(data, dict):
            return cls()
        told = list(_told(data.get("data")))
        secret = [(member, word) for member, word in told if not NOT_THE_SECRET.search(member)]
        return cls(
            action=_text(data, "action"),
            at=_seconds(data.get("created_at")),
            org_id=_text(data, "org_id"),
            by_id=_first(data, PRINCIPAL_IDS),
            by=visible(_first(data, WHO).strip()[:LONGEST_NAME])[:LONGEST_NAME],
            ids=frozenset(word for member, word in secret if IDS.fullmatch(member)),
            names=frozenset(word for member, word in secret if NAMES.search(member)),
            words=frozenset(word for _, word in told),
        )

    def is_of(self, ids: frozenset[str], key: str) -> bool:
        """Whether it is of the secret with one of these ids; by its key only where no id says that it is another."""
        return bool(ids & self.words) or (not self.ids and key in self.names)


def _told(data: object) -> Iterator[tuple[str, str]]:
    """The texts in `data`, each with the names of the members that it stands in."""
    waiting: deque[tuple[str, object, int]] = deque([("", data, 0)])
    for _ in range(MOST_WORDS):
        if not waiting:
            return
        member, value, depth = waiting.popleft()
        if isinstance(value, str):
            yield member, visible(value[:LONGEST_KEY])
        elif isinstance(value, dict) and depth < DEEPEST:
            waiting += [(_plain(f"{member}{name}"), each, depth + 1) for name, each in value.items()]
        elif isinstance(value, list) and depth < DEEPEST:
            waiting += [(member, each, depth + 1) for each in value]


def _plain(member: str) -> str:
    return re.sub("[^a-z0-9]", "", member[:LONGEST_ID].lower())


def _first(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := _text(data, name))), "")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:LONGEST_ID] if isinstance(value, str) else ""


def _seconds(value: object) -> int | None:
    """Of a number of seconds or milliseconds, or of a time in ISO's form."""
    if isinstance(value, str):
        try:
            told = datetime.fromisoformat(value)
            value = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LARGEST_NUMBER:
        return None
    seconds = int(value / 1000 if value > MILLISECONDS else value)
    # What no calendar has could be shown nowhere.
    return seconds if seconds < LAST else None
