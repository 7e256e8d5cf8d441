"""Revealing and the preview of .env text in a real browser: what the scripts add to pages that work without them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser

from tests.actors import ANYBODY
from tests.browser import new_context
from vault import editing
from vault.models import Folder

PHONE = {"width": 390, "height": 844}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console says: a refusal by the Content-Security-Policy would be here."""
    return []


@pytest.fixture
def tab(browser: Browser, live_server: Any, complaints: list[str]) -> Iterator[Any]:
    """A tab of a phone, signed in as a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("admin"), backend="django.contrib.auth.backends.ModelBackend")
    context = new_context(browser, viewport=PHONE, base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text) if message.type != "info" else None)
    yield tab
    context.close()


def test_reveals_in_place_one_at_a_time(tab: Any, app: Folder, complaints: list[str]) -> None:
    editing.set_secrets(app, {"A": "one", "B": "two\nlines"}, by=ANYBODY)
    tab.goto(reverse("admin:vault_folder_page", args=[app.id]))

    tab.get_by_role("button", name="Reveal A").click()
    tab.get_by_text("one", exact=True).wait_for()
    tab.get_by_role("button", name="Reveal B").click()
    tab.get_by_text("two\nlines").wait_for()

    assert tab.get_by_text("one", exact=True).count() == 0
    tab.get_by_role("button", name="Hide").click()
    assert tab.get_by_text("two").count() == 0
    assert tab.evaluate(TOO_WIDE) <= 0
    assert complaints == []


def test_the_preview_leaves_the_text_as_it_was_typed(tab: Any, app: Folder, complaints: list[str]) -> None:
    tab.goto(reverse("admin:vault_dotenv", args=[app.id]))
    text = "A=one\nwrong line\nB=two"

    tab.get_by_role("button", name="Preview").click()
    tab.locator(".ds-field--error", has_text="one of the two").wait_for()
    assert tab.evaluate("document.activeElement.name") == "text"

    tab.locator("textarea").fill(text)
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_text("Line 2:").wait_for()
    assert tab.locator("textarea").input_value() == text
    assert tab.locator(".ds-field--error, .ds-errors, [aria-invalid]").count() == 0

    tab.locator("textarea").fill("A=one\nB=two")
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_text("Line 2:").wait_for(state="detached")
    assert tab.evaluate(TOO_WIDE) <= 0
    tab.get_by_role("button", name="Add 2 secrets").click()
    tab.get_by_text("2 added").wait_for()

    assert editing.preview_secrets(app, {"A": "one", "B": "two"}, by=ANYBODY).unchanged == ["A", "B"]
    assert complaints == []


def test_edits_in_the_row_with_errors_at_the_field_and_nothing_lost(
    tab: Any, app: Folder, complaints: list[str]
) -> None:
    editing.set_secrets(app, {"A": "one", "B": "two"}, by=ANYBODY)
    tab.goto(reverse("admin:vault_folder_page", args=[app.id]))

    tab.get_by_role("link", name="Edit A").click()
    tab.get_by_label("Value", exact=False).first.fill("typed")
    tab.get_by_label("Key", exact=True).fill("B")
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.get_by_text("There is a secret B in dev:/app already.").wait_for()
    tab.get_by_text("The value you entered is kept, sealed.").wait_for()
    tab.get_by_role("link", name="Edit B").click()
    tab.get_by_label("Key", exact=True).fill("RENAMED")
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.get_by_text("Saved RENAMED; it is at version 2.").wait_for()

    tab.get_by_role("link", name="Edit RENAMED").wait_for()
    assert tab.url.endswith(reverse("admin:vault_folder_page", args=[app.id]))
    assert tab.locator("form[data-inline-form]").count() == 0
    assert tab.evaluate(TOO_WIDE) <= 0
    assert editing.preview_secrets(app, {"RENAMED": "typed", "B": "two"}, by=ANYBODY).unchanged == ["RENAMED", "B"]
    assert complaints == []


def test_edits_on_the_page_of_the_secret(tab: Any, app: Folder, complaints: list[str]) -> None:
    secret = editing.set_secret(app, "A", "one", by=ANYBODY)
    tab.goto(reverse("admin:vault_secret_page", args=[secret.pk]))

    tab.get_by_role("link", name="Edit", exact=True).click()
    tab.get_by_label("Key", exact=True).press("Escape")
    assert tab.locator("form[data-inline-form]").count() == 0
    tab.get_by_role("link", name="Edit", exact=True).press("Enter")
    tab.get_by_label("Comment", exact=False).fill("for people")
    tab.get_by_role("button", name="Save", exact=True).press("Enter")
    tab.get_by_text("Saved A; it is at version 1.").wait_for()

    tab.locator("dd", has_text="for people").wait_for()
    assert tab.locator("form[data-inline-form]").count() == 0
    assert complaints == []
