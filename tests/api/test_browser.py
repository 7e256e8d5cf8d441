"""The page of the document in a real browser: it shows the routes, under our policy and without the outside world."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser

from tests.browser import new_context

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def heard() -> list[str]:
    """The console, where a refusal by the Content-Security-Policy would be, and requests to other hosts."""
    return []


@pytest.fixture
def tab(browser: Browser, live_server: Any, heard: list[str]) -> Iterator[Any]:
    client = Client()
    client.force_login(User.objects.create_superuser("admin"), backend="django.contrib.auth.backends.ModelBackend")

    def note_request(request: Any) -> None:
        if not request.url.startswith((live_server.url, "data:")):
            heard.append(request.url)

    context = new_context(browser, base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    tab = context.new_page()
    tab.on("console", lambda message: heard.append(message.text))
    tab.on("request", note_request)
    yield tab
    context.close()


def test_shows_the_routes(tab: Any, heard: list[str]) -> None:
    tab.goto("/api/docs")

    tab.get_by_text("Secret syncs", exact=True).first.click()
    tab.get_by_text("/api/v1/secret-syncs/devin/{sync_id}/plan").first.click()
    tab.get_by_text("What a run would do now, key by key, without doing it.").first.wait_for()

    assert heard == []
