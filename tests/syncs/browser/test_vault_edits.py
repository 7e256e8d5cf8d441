"""A person at a real browser edits the vault, and sees what that does in Devin, before and after."""

import pytest
from playwright.sync_api import Page, expect

from sandbox.organization import Organization
from syncs.models import SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import create_folder, set_secrets

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_follows_an_import_and_a_value_into_devin(
    page: Page, has_scripts: bool, bench: Bench, organization: Organization, complaints: list[str]
) -> None:
    shared = create_folder(bench.folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"B": "canary-browser-b"}, by=ANYBODY)
    bench.source(A="canary-browser")
    bench.run()

    page.goto(f"/admin/vault/project/folder/{bench.folder.pk}/imports/add/")
    page.get_by_label("Source").select_option(label="dev:/shared")
    page.get_by_role("button", name="Add import").click()
    expect(page.get_by_text("creates B in org-sandbox within seconds")).to_be_visible()
    page.get_by_role("button", name="Add import").click()
    status = page.get_by_role("status")
    expect(status).to_contain_text("Queued: my-devin-sync")
    bench.carry_out(SyncRun.objects.pending().get())
    assert organization.values() == {"A": "canary-browser", "B": "canary-browser-b"}
    if has_scripts:
        expect(status).to_contain_text("Synced")
    status.get_by_role("link", name="my-devin-sync").click()
    expect(page.get_by_role("heading", name="Sync of my-devin-sync")).to_be_visible()

    page.goto(f"/admin/vault/project/secret/{bench.folder.secrets.get(key='A').pk}/edit/")
    expect(page.get_by_text("replaces A in org-sandbox within seconds")).to_be_visible()
    assert complaints == []
