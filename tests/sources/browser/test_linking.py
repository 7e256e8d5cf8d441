"""A person at a real browser links a project, makes a sync of it, and sees its secrets arrive."""

import re

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection
from sandbox.organization import Organization
from sources.errors import Unavailable
from syncs.models import SyncRun
from syncs.runs import jobs
from tests.sources.memory import Shelf
from tests.syncs.browser.test_wizard import choose, go_on

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_a_connection_to_secrets_in_devin(  # noqa: PLR0917
    page: Page,
    has_scripts: bool,
    shelf: Shelf,
    shelf_connection: Connection,
    connection: Connection,
    rung: list[str],
    organization: Organization,
    complaints: list[str],
) -> None:
    shelf.put("dev", "/", A="1")
    shelf.put("dev", "/app", B="canary-browser")
    connection.verify()

    page.goto("/admin/vault/project/")
    page.get_by_role("link", name="Link a project").click()
    page.get_by_label("Connection", exact=True).select_option(label="shelf (Memory)")
    page.get_by_label("Project there").fill("shelf")
    page.get_by_role("button", name="Link project").last.click()
    expect(page.get_by_role("heading", level=1, name="The shelf")).to_be_visible()
    page.get_by_role("link", name="/app").click()
    expect(page.get_by_text("••••")).to_be_visible()

    page.get_by_role("link", name="Add a sync").click()
    expect(page.get_by_text("1 secret found")).to_be_visible()
    shelf.says = Unavailable("The shelf did not answer in time. Try again in a moment.")
    choose(page, "Secret path", "/", has_scripts=has_scripts)
    expect(page.get_by_text("did not answer in time").first).to_be_visible()
    shelf.says = None
    choose(page, "Secret path", "/app", has_scripts=has_scripts)
    expect(page.get_by_text("1 secret found")).to_be_visible()
    go_on(page, "Destination")
    go_on(page, "Options")
    go_on(page, "Details")
    go_on(page, "What the first run will do", button="Review")
    page.get_by_role("button", name="Create sync").click()
    expect(page).to_have_url(re.compile(r"/syncrun/[0-9a-f-]{36}/change/"))

    jobs.run_sync(str(SyncRun.objects.get().pk))
    assert organization.values() == {"B": "canary-browser"}
    assert complaints == []
