"""A person at a real browser, from an installation that knows no source to its secrets in Devin, in the wizard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.organization import Organization
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from tests.openbao import OpenBao
from tests.sources.hostile import CANARY
from tests.sources.infisical.scene import CLIENT_ID, CLIENT_SECRET
from tests.syncs.browser.test_wizard import choose, go_on

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VALUES = {"API_KEY": f"{CANARY}-key", "DB_URL": f"{CANARY}-url"}


@dataclass(frozen=True)
class Story:
    """What a person enters: of the connection by its labels, then the project and what it shows."""

    kind: str
    entries: dict[str, str]
    project: str
    environment: str


@pytest.fixture
def infisical() -> Iterator[Story]:
    with InfisicalSandbox() as server:
        server.world.add_identity(CLIENT_ID, CLIENT_SECRET)
        shop = server.world.add_project("shop")
        server.world.put(shop, "dev", "/app", **VALUES)
        entries = {"Site": server.url, "Client ID": CLIENT_ID, "Client secret": CLIENT_SECRET}
        yield Story("Infisical", entries, "shop", "Dev (dev)")


@pytest.fixture
def real_openbao(openbao: OpenBao) -> Story:
    """By TLS with an authority of its own, and with the rights that docs/sources.md names and no others."""
    mount = openbao.mount()
    openbao.put(mount, "dev/app", VALUES)
    rights = {f"{mount}/metadata/": ["list"], f"{mount}/metadata/dev/": ["list"]}
    for below in ("", "/*"):
        rights[f"{mount}/data/dev/app{below}"] = ["read"]
        rights[f"{mount}/metadata/dev/app{below}"] = ["read", "list"]
    role = openbao.approle(openbao.policy(rights))
    entries = {
        "Address": openbao.tls_url,
        "Role ID": role.role_id,
        "Secret ID": role.secret_id,
        "KV mount": mount,
        "CA certificate": openbao.ca_pem,
    }
    return Story("Vault / OpenBao (AppRole)", entries, mount, "dev")


@pytest.fixture(params=["infisical", "real_openbao"])
def story(request: pytest.FixtureRequest) -> Story:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Story)
    return found


def test_from_nothing_to_secrets_in_devin(  # noqa: PLR0917
    page: Page,
    has_scripts: bool,
    story: Story,
    connection: Connection,
    rung: list[str],
    organization: Organization,
    complaints: list[str],
) -> None:
    connection.verify()

    page.goto("/admin/syncs/devinsync/add/")
    page.get_by_role("link", name="Link a project").click()
    page.get_by_role("link", name="Add a connection").click()
    page.get_by_role("link", name=story.kind, exact=True).click()
    page.get_by_label("Name", exact=True).fill("team-vault")
    for label, text in story.entries.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("heading", level=1, name="Link a project")).to_be_visible()
    expect(page.get_by_label("Connection", exact=True).locator("option:checked")).to_contain_text("team-vault")
    page.get_by_label("Project there").fill(story.project)
    page.get_by_label("Project there").press("Tab")
    page.get_by_role("button", name="Link project").last.click()

    expect(page.get_by_role("heading", level=2, name="Source")).to_be_visible()
    choose(page, "Environment", story.environment, has_scripts=has_scripts)
    choose(page, "Secret path", "/app", has_scripts=has_scripts)
    expect(page.get_by_text("2 secrets found")).to_be_visible()
    go_on(page, "Destination")
    go_on(page, "Options")
    go_on(page, "Details")
    go_on(page, "What the first run will do", button="Review")
    page.get_by_role("button", name="Create sync").click()
    expect(page).to_have_url(re.compile(r"/syncrun/[0-9a-f-]{36}/change/"))

    jobs.run_sync(str(SyncRun.objects.get().pk))
    assert organization.values() == VALUES
    page.goto(DevinSync.objects.get().source_url)
    expect(page.get_by_text("••••")).to_have_count(2)
    assert CANARY not in page.content()
    assert complaints == []
