"""Pages by cursor: honest ones lose and repeat nothing, whatever comes and goes between them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults import LIES
from sandbox.listing import Cursor, list_page
from sandbox.organization import Organization
from sandbox.query import CursorUnknown
from sandbox.settings import Settings


@pytest.fixture
def organization() -> Organization:
    organization = Organization("org-1")
    for key in "ABCDEFG":
        organization.put(key=key, secret_id=f"secret-{key}")
    return organization


def keys_of(page: dict[str, Any]) -> str:
    return "".join(item["key"] for item in page["items"])


def walk(organization: Organization, *, first: int, between: Callable[[], object] = lambda: None) -> str:
    """All keys in the order in which pages give them; `between` is called after each page."""
    cursor, found = Cursor(), ""
    for _ in range(20):
        page: dict[str, Any] = list_page(organization, Settings(), first=first, cursor=cursor)
        found += keys_of(page)
        assert page["has_next_page"] is (page["end_cursor"] is not None)
        if not page["has_next_page"]:
            return found
        cursor = Cursor.decode(page["end_cursor"])
        between()
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("first", [1, 2, 3, 6, 7, 8, 200])
def test_pages_of_any_size_give_each_secret_once(organization: Organization, first: int) -> None:
    assert walk(organization, first=first) == "ABCDEFG"


def test_a_full_last_page_has_no_other_after_it(organization: Organization) -> None:
    page = list_page(organization, Settings(), first=7, cursor=Cursor())

    assert (page["has_next_page"], page["end_cursor"], page["total"]) == (False, None, 7)


def test_what_goes_before_the_cursor_hides_nothing_after_it(organization: Organization) -> None:
    gone = iter("ABCDEFG")

    assert walk(organization, first=1, between=lambda: organization.delete(f"secret-{next(gone)}")) == "ABCDEFG"


def test_what_comes_in_between_stands_at_the_end(organization: Organization) -> None:
    new = iter("XY")

    def add_one() -> None:
        if (key := next(new, None)) is not None:
            organization.put(key=key)

    assert walk(organization, first=3, between=add_one) == "ABCDEFGXY"


def test_a_secret_put_anew_under_its_id_is_given_once_more_and_hides_no_other(organization: Organization) -> None:
    once = iter([True])

    def put_again() -> None:
        if next(once, False):
            organization.put(key="A", secret_id="secret-A")

    assert walk(organization, first=2, between=put_again) == "ABCDEFGA"


def test_a_page_may_be_held_shorter_than_was_asked(organization: Organization) -> None:
    page = list_page(organization, Settings(page_size=2, totals=False), first=5, cursor=Cursor())

    assert (keys_of(page), page["has_next_page"], page["total"]) == ("AB", True, None)


def test_an_empty_organization_has_one_empty_page() -> None:
    page = list_page(Organization("org-1"), Settings(), first=100, cursor=Cursor())

    assert page == {"items": [], "end_cursor": None, "has_next_page": False, "total": 0}


@pytest.mark.parametrize("lie", sorted(LIES))
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_no_lie_breaks_down_over_few_secrets(lie: Any, count: int) -> None:
    organization = Organization("org-1")
    for number in range(count):
        organization.put(key=f"K{number}")
    cursor, pages = Cursor(lie=lie), 0

    while pages < 6:
        page: dict[str, Any] = list_page(organization, Settings(), first=2, cursor=cursor)
        pages += 1
        if page["end_cursor"] is None:
            break
        cursor = Cursor.decode(page["end_cursor"])

    assert pages <= 6


def test_a_cursor_survives_its_way_there_and_back() -> None:
    for cursor in (Cursor(), Cursor(7), *(Cursor(3, lie, 2) for lie in LIES)):
        assert Cursor.decode(cursor.encode()) == cursor


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


UNKNOWN = [
    pytest.param("%%%", id="no base64"),
    pytest.param("ä", id="no ASCII"),
    pytest.param(encoded("nonsense"), id="no JSON"),
    pytest.param(encoded("[1, null]"), id="too few parts"),
    pytest.param(encoded("5"), id="no list"),
    pytest.param(encoded('[1, "other", 1]'), id="an unknown lie"),
    pytest.param(encoded('["x", null, 1]'), id="a position that is no number"),
    pytest.param(encoded("[Infinity, null, 1]"), id="a position without end"),
    pytest.param(encoded("[null, null, null]"), id="no position"),
    pytest.param(encoded("[" * 20_000), id="very deep brackets"),
    pytest.param(encoded(json.dumps([1, {}, 1])), id="a lie that is no word"),
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_cursor_of_nobody_is_unknown(text: str) -> None:
    with pytest.raises(CursorUnknown):
        Cursor.decode(text)
