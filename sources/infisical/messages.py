"""Messages of Infisical's webhooks: whether one is real and of now, and what it says has changed. Pure.

Signed is the raw body, which holds the same time as the header. A server of 2024 tells less of the project than newer
ones, and each sends the same message up to four times.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sources.protocol import Place

HEADER = "X-Infisical-Signature"
LARGEST = 64 * 1024
# So far a server's clock may be from ours, and so long a message may be on its way.
LONGEST_WAY = timedelta(minutes=5)
SIGNATURE = re.compile(r"t=([0-9]{1,16});([0-9a-f]{64})")
MODIFIED = "secrets.modified"
LONGEST_EVENT = 64


class NotReal(Exception):
    """Says why; for our own log, as whoever sent it learns nothing."""


@dataclass(frozen=True)
class Message:
    """`place` is None where it does not say; `digest` is the same for the same message sent again."""

    event: str
    project_id: str
    place: Place | None
    digest: str

    @property
    def tells_of_a_change(self) -> bool:
        return self.event == MODIFIED


def understand(body: bytes, signature: str, secret: str, *, now: datetime) -> Message:
    """Raises NotReal. Takes as long for a wrong signature as for a right one."""
    parts = SIGNATURE.fullmatch(signature)
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, parts[2] if parts else "0" * 64) or parts is None:
        raise NotReal("its signature is not that of this secret")
    data = _parsed(body)
    if data.get("timestamp") != int(parts[1]) or isinstance(data.get("timestamp"), bool):
        raise NotReal("its header and its body tell different times")
    if abs(now.timestamp() - int(parts[1]) / 1000) > LONGEST_WAY.total_seconds():
        raise NotReal("it is not of the last five minutes: compare the clocks of both servers")
    return _message(data, hashlib.sha256(body).hexdigest())


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise NotReal("its body is no JSON") from None
    if not isinstance(data, dict):
        raise NotReal("its body is no object")
    return data


def _message(data: dict[str, Any], digest: str) -> Message:
    project = data.get("project")
    told = project if isinstance(project, dict) else {}
    place = None
    if (environment := _name(told.get("environment"))) and isinstance(told.get("secretPath"), str):
        place = Place(environment, "/" + _name(told["secretPath"]).strip("/"))
    project_id = _name(told.get("projectId") or told.get("workspaceId"))
    return Message(_name(data.get("event"))[:LONGEST_EVENT], project_id, place, digest)


def _name(found: object) -> str:
    """ "" for what is no text. No name has a control character or half of a character, and no database takes them."""
    if not isinstance(found, str):
        return ""
    if not found.isprintable():
        raise NotReal("it has a character in it that no name has")
    return found
