"""The page of the document in a real browser: it shows the routes, under our policy and without the outside world."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def heard() -> list[str]:
    """The console, where a refusal by the Content-Security-Policy would be, and requests to other hosts."""
    return []


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch, live_server: Any, heard: list[str]) -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    # Playwright runs a loop in this thread, which Django takes for asynchronous code.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    client = Client()
    client.force_login(User.objects.create_superuser("admin"), backend="django.contrib.auth.backends.ModelBackend")

    def note_request(request: Any) -> None:
        if not request.url.startswith((live_server.url, "data:")):
            heard.append(request.url)

    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        tab = context.new_page()
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("request", note_request)
        yield tab
        chromium.close()


def test_shows_the_routes(tab: Any, heard: list[str]) -> None:
    tab.goto("/api/docs")

    tab.get_by_text("Secret syncs", exact=True).first.click()
    tab.get_by_text("/api/v1/secret-syncs/devin/{sync_id}/plan").first.click()
    tab.get_by_text("What a run would do now, key by key, without doing it.").first.wait_for()

    assert heard == []
