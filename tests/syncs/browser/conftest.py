"""A real browser in front of a live server, with the sandbox behind it."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)


@pytest.fixture
def browser(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Started after the database and stopped with the test, because Playwright keeps an event loop in this thread, and
    Django would refuse to talk to a database beside one.
    """
    if not CHROMIUM:
        pytest.skip("There is no Chromium on this machine.")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        # In a container there is no sandbox to be had, and it only ever opens our own pages.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser said of our pages: errors of scripts, violations of the Content-Security-Policy."""
    return []


@pytest.fixture(params=["scripts", "no scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, live_server: Any, complaints: list[str]) -> Iterator[Page]:
    """Logged in as a superuser; once with JavaScript and once without."""
    User.objects.create_superuser("root", password="a long password")
    context = browser.new_context(base_url=live_server.url, java_script_enabled=request.param == "scripts")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()
