"""A person at a real browser makes a sync and sees its secrets arrive."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from connections.models import Connection
from sandbox.organization import Organization
from syncs.models import SyncRun
from syncs.runs import jobs
from tests.actors import ANYBODY
from tests.patience import wait_until
from vault.editing import create_environment, create_folder, set_secrets
from vault.models import Folder

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def choose(page: Page, label: str, option: str, *, has_scripts: bool) -> None:
    """Without scripts it takes a button to see what can be chosen next."""
    if not has_scripts:
        page.get_by_label(label, exact=True).select_option(label=option)
        page.get_by_role("button", name="Show environments and folders").click()
        return
    # Until the script has come, the list that it makes a field of is there under the same name.
    page.get_by_role("combobox", name=label, exact=True).and_(page.locator("input")).fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.locator("[data-live-form]")).not_to_have_attribute("aria-busy", "true")


def go_on(page: Page, to: str, button: str = "Next") -> None:
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", level=2, name=to).first).to_be_visible()


def test_walks_from_an_empty_form_to_a_finished_run(  # noqa: PLR0917
    page: Page,
    has_scripts: bool,
    folder: Folder,
    connection: Connection,
    rung: list[str],
    organization: Organization,
    complaints: list[str],
) -> None:
    set_secrets(folder, {"DB_URL": "canary-browser", "API_KEY": "canary-browser"}, by=ANYBODY)
    organization.put(key="PROD_OTP", value="x", secret_type="totp")
    connection.verify()

    page.goto("/admin/syncs/devinsync/")
    page.get_by_role("link", name="Add", exact=False).first.click()
    choose(page, "Project", "Acme shop", has_scripts=has_scripts)
    choose(page, "Environment", "Development (dev)", has_scripts=has_scripts)
    choose(page, "Secret path", "/my-secrets", has_scripts=has_scripts)
    expect(page.get_by_text("2 secrets found")).to_be_visible()
    go_on(page, "Destination")

    expect(page.get_by_label("Organization ID")).to_have_value("org-sandbox")
    page.get_by_label("Organization ID").fill("sandbox")
    # What is said while one types is not yet the answer.
    with page.expect_navigation():
        page.get_by_label("Organization ID").press("Enter")
    expect(page.get_by_text('starts with "org-"').first).to_be_visible()
    page.get_by_label("Organization ID").fill("org-sandbox")
    page.get_by_role("button", name="Check access").click()
    expect(page.get_by_text("It holds 1 secret now")).to_be_visible()
    go_on(page, "Options")

    page.get_by_label("Key schema").fill("PROD_{{secretKey}}")
    if not has_scripts:
        page.get_by_role("button", name="Preview the names").click()
    expect(page.get_by_text("PROD_API_KEY")).to_be_visible()
    strangers = page.get_by_label("Secrets that DevinSync did not write")
    expect(strangers).to_have_value("ask")
    strangers.select_option(label="Delete them")
    go_on(page, "Details")

    expect(page.get_by_label("Name")).to_have_value("acme-shop-dev-my-secrets")
    page.get_by_label("Name").fill("Shop-Dev")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Key schema")).to_have_value("PROD_{{secretKey}}")
    go_on(page, "Details")
    expect(page.get_by_label("Name")).to_have_value("Shop-Dev")
    go_on(page, "What the first run will do", button="Review")

    expect(page.get_by_text("TOTP secret · not in the source")).to_be_visible()
    page.get_by_role("button", name="Create sync").click()
    expect(page.get_by_text("Tick this box")).to_be_visible()
    page.get_by_label("Yes, delete or replace").check()
    page.get_by_role("button", name="Create sync").click()
    expect(page).to_have_url(re.compile(r"/syncrun/[0-9a-f-]{36}/change/"))
    expect(page.get_by_text("Queued", exact=True).first).to_be_visible()

    jobs.run_sync(str(SyncRun.objects.get().pk))
    if not has_scripts:
        page.reload()
    expect(page.get_by_text("Synced", exact=True).first).to_be_visible()
    expect(page.locator("td").get_by_text("Done", exact=True)).to_have_count(3)

    assert organization.values() == {"PROD_DB_URL": "canary-browser", "PROD_API_KEY": "canary-browser"}
    assert "canary-browser" not in page.content()
    assert complaints == []


@pytest.mark.parametrize("has_scripts", [True], indirect=True, ids=["scripts"])
def test_what_was_chosen_before_the_script_came_counts(page: Page, folder: Folder, complaints: list[str]) -> None:
    production = create_environment(folder.environment.project, name="Production", slug="prod", by=ANYBODY)
    create_folder(production, "/theirs", by=ANYBODY)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/(live|typeahead)\b.*\.js"), hold)
    page.goto("/admin/syncs/devinsync/add/", wait_until="commit")

    page.get_by_label("Environment", exact=True).select_option(label="Production (prod)")
    wait_until(lambda: page.evaluate("1") and len(held) == 2)
    expect(page.get_by_label("Secret path", exact=True)).not_to_contain_text("/theirs")
    for route in held:
        route.continue_()

    expect(page.locator("[data-live-form]")).to_have_attribute("aria-busy", "false")
    page.get_by_role("combobox", name="Secret path", exact=True).and_(page.locator("input")).click()
    expect(page.get_by_role("option", name="/theirs", exact=True)).to_be_visible()
    assert complaints == []
