"""Pages of an organization's secrets by cursor.

A cursor stands for the last item given, so secrets that come and go between pages neither hide nor repeat others.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from itertools import islice

from sandbox.organization import Organization
from sandbox.settings import Settings


class CursorUnknown(Exception):
    """A cursor that no page has given."""


@dataclass(frozen=True)
class Cursor:
    after: int = 0

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.after]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        try:
            (after,) = json.loads(base64.urlsafe_b64decode(text.encode()))
        except (ValueError, TypeError, binascii.Error):
            raise CursorUnknown(text) from None
        return cls(int(after))


def list_page(organization: Organization, settings: Settings, *, first: int, cursor: Cursor) -> dict[str, object]:
    size = min(first, settings.page_size or first)
    secrets = organization.secrets()
    rest = (secret for secret in secrets if secret.position > cursor.after)
    items = list(islice(rest, size + 1))
    has_next_page = len(items) > size
    items = items[:size]
    return {
        "items": [secret.as_item() for secret in items],
        "end_cursor": Cursor(items[-1].position).encode() if has_next_page else None,
        "has_next_page": has_next_page,
        "total": len(secrets) if settings.totals else None,
    }
