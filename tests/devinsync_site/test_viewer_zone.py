"""Times in the zone that the browser names, said once on each page."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from devinsync_site.viewer_zone import zone_named

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def page(admin_client: Client) -> Client:
    User.objects.update(date_joined=NOON)
    return admin_client


def text_of(client: Client) -> str:
    return client.get(f"/admin/auth/user/{User.objects.get().pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Kolkata", "31 Jan 2026, 17:30"), ("America/New_York", "31 Jan 2026, 07:00"), ("UTC", "31 Jan 2026, 12:00")],
)
def test_a_page_shows_times_as_the_browser_has_them(zone: str, shown: str, page: Client) -> None:
    page.cookies["viewer-zone"] = zone

    text = text_of(page)

    assert shown in text
    assert text.count(f"Times are in {zone}") == 1


@pytest.mark.parametrize(
    "name", ["", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "Europe", "x" * 1000, "a\0b"]
)
def test_a_zone_that_is_none_counts_as_utc(name: str, page: Client) -> None:
    assert zone_named(name) is None


def test_a_cookie_of_nonsense_harms_no_page(page: Client) -> None:
    page.cookies["viewer-zone"] = "Nowhere/Land"

    assert "31 Jan 2026, 12:00" in text_of(page)
