"""Logging in at a real provider in a real browser, whose Content-Security-Policy and cookies count."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, expect

from tests.browser import new_context, open_browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def browser(db: None) -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def test_somebody_logs_in_and_sees_whom_to_ask(browser: Browser, live_server: Any, acme: object) -> None:
    page = new_context(browser, base_url=live_server.url).new_page()
    page.goto("/admin/sessions/")
    page.get_by_role("link", name="Log in with Acme").click()
    page.locator("input[name=login]").fill("browser-person")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()

    expect(page.get_by_role("heading", name="Where you are logged in")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_text("Ask an administrator to give you access")).to_be_visible()
    assert User.objects.get().username == "browser-person"
