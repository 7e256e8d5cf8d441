"""A person at a real browser edits a sync, and sees what that does in Devin before it happens."""

import pytest
from playwright.sync_api import Page, expect

from sandbox.organization import Organization
from syncs.models import DevinSync, SyncRun
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.usefixtures("has_scripts")
def test_walks_from_another_key_schema_to_renamed_secrets(
    page: Page, bench: Bench, organization: Organization, complaints: list[str]
) -> None:
    bench.source(A="canary-browser", B="canary-browser-2")
    bench.run()

    page.goto(bench.sync.get_absolute_url())
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_label("Key schema").fill("PROD_{{secretKey}}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Review the changes of my-devin-sync")).to_be_visible()
    expect(page.get_by_role("heading", name="Renamed in Devin")).to_be_visible()
    expect(page.get_by_text("A → PROD_A")).to_be_visible()

    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Key schema")).to_have_value("PROD_{{secretKey}}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save and sync").click()
    expect(page.get_by_role("heading", name="Sync of my-devin-sync")).to_be_visible()

    bench.carry_out(SyncRun.objects.pending().get())
    assert sorted(organization.values()) == ["PROD_A", "PROD_B"]
    assert DevinSync.objects.get().key_schema == "PROD_{{secretKey}}"
    assert complaints == []
