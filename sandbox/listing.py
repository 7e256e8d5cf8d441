"""Pages of an organization's secrets by cursor, honest ones and lying ones.

An honest cursor stands for the last item given, so secrets that come and go between pages neither hide nor repeat
others. A lying one stands for an offset and carries its lie, so that the whole listing lies alike.
"""

import base64
import json
from dataclasses import astuple, dataclass
from itertools import islice

from sandbox.faults import Kind
from sandbox.organization import Organization, Secret
from sandbox.query import CursorUnknown
from sandbox.settings import Settings

NEWCOMER = Secret(secret_id="secret-between-pages", key="BETWEEN_PAGES", note=None)  # noqa: S106


@dataclass(frozen=True)
class Cursor:
    after: int = 0
    lie: Kind | None = None
    page: int = 1

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(astuple(self)).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        try:
            after, lie, page = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(int(after), None if lie is None else Kind(lie), int(page))
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise CursorUnknown from None


def list_page(organization: Organization, settings: Settings, *, first: int, cursor: Cursor) -> dict[str, object]:
    size = min(first, settings.page_size or first)
    secrets = organization.secrets()
    if cursor.lie is not None:
        return lying_page(secrets, size, cursor, settings)
    rest = (secret for secret in secrets if secret.position > cursor.after)
    items = list(islice(rest, size + 1))
    following = Cursor(items[size - 1].position) if len(items) > size else None
    return page_of(items[:size], following, len(secrets) if settings.totals else None)


def lying_page(secrets: list[Secret], size: int, cursor: Cursor, settings: Settings) -> dict[str, object]:
    lie = cursor.lie
    seen = as_seen(secrets, cursor)
    items = seen[cursor.after : cursor.after + size]
    if lie is Kind.SAME_ID_TWICE and cursor.page == 1:
        items = [*items[:-1], items[0]] if len(items) > 1 else items * 2
    total = len(seen) + (lie is Kind.WRONG_TOTAL)
    wants_total = settings.totals or lie is Kind.WRONG_TOTAL
    page = page_of(items, following_cursor(len(seen), size, cursor), total if wants_total else None)
    if lie is Kind.NULL_CURSOR:
        page.update(end_cursor=None, has_next_page=True)
    return page


def as_seen(secrets: list[Secret], cursor: Cursor) -> list[Secret]:
    """What the organization looks like when this page of the listing is asked for."""
    if cursor.page == 1:
        return secrets
    match cursor.lie:
        case Kind.SHUFFLE:
            return secrets[::-1] if cursor.page % 2 == 0 else secrets
        case Kind.ITEM_REMOVED:
            return secrets[1:]
        case Kind.ITEM_ADDED:
            return [NEWCOMER, *secrets]
    return secrets


def following_cursor(count: int, size: int, cursor: Cursor) -> Cursor | None:
    following = cursor.after + size
    if cursor.lie is Kind.REPEATED_PAGE and cursor.page == 1:
        return Cursor(0, cursor.lie, 2)
    if cursor.lie is Kind.CURSOR_LOOP:
        return Cursor(following if following < count else 0, cursor.lie)
    return Cursor(following, cursor.lie, cursor.page + 1) if following < count else None


def page_of(secrets: list[Secret], following: Cursor | None, total: int | None) -> dict[str, object]:
    return {
        "items": [secret.as_item() for secret in secrets],
        "end_cursor": following.encode() if following else None,
        "has_next_page": following is not None,
        "total": total,
    }
