"""A real browser in front of a live server, with the sandbox behind it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page

from tests.browser import new_context


@pytest.fixture
def complaints() -> list[str]:
    """What the browser said of our pages: errors of scripts, violations of the Content-Security-Policy."""
    return []


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def has_scripts(request: pytest.FixtureRequest) -> bool:
    """Told, not looked up: what a script hides is there until it runs."""
    return bool(request.param)


@pytest.fixture
def page(has_scripts: bool, browser: Browser, live_server: Any, complaints: list[str]) -> Iterator[Page]:
    """Logged in as a superuser; once with JavaScript and once without."""
    User.objects.create_superuser("root", password="a long password")
    context = new_context(browser, base_url=live_server.url, java_script_enabled=has_scripts)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()
