"""A person at a real browser copies a linked project into the vault, and looks at what came of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Project, Secret
from sources.linking import link_project
from sources.models import Copy
from syncs.runs.jobs import run_sync
from tests.actors import ANYBODY
from tests.sources.infisical.scene import connection_to
from vault import models as vault
from vault.editing import create_project, set_secret

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def infisical() -> Iterator[InfisicalSandbox]:
    with InfisicalSandbox() as server:
        yield server


@pytest.fixture
def from_infisical(infisical: InfisicalSandbox) -> Connection:
    return connection_to(infisical)


@pytest.fixture
def shop(infisical: InfisicalSandbox, from_infisical: Connection) -> Project:
    world = infisical.world
    shop = world.add_project("shop", name="The shop")
    world.put(shop, "dev", "/app", DB_HOST="canary-browser", DB_URL="postgres://${DB_HOST}/shop?key=${prod.KEY}")
    world.put(shop, "dev", "/shared", REGION="canary-browser", BROKEN="${NOPE}")
    world.put(shop, "prod", "/", KEY="canary-browser")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/shared"))
    shop.environments["dev"].folders["/app"].secrets.append(Secret("DB_HOST", "mine", kind="personal"))
    shop.environments["prod"].folders["/"].secrets.append(Secret("BAD KEY", "canary-browser"))
    return shop


def photograph(page: Page, name: str) -> None:
    """For whoever wants to look: in light and dark, wide and narrow, if a folder for them is named."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        for width, size in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def work(page: Page, *, has_scripts: bool) -> Copy:
    """A worker does what waits; the page sees it by itself, or is asked to."""
    copy = Copy.objects.get()
    run_sync(str(copy.pk))
    if not has_scripts:
        page.get_by_role("link", name="Look again").click()
    copy.refresh_from_db()
    return copy


def test_from_a_linked_project_to_one_of_the_vault(
    page: Page, has_scripts: bool, from_infisical: Connection, shop: Project, complaints: list[str]
) -> None:
    linked = link_project(from_infisical, shop.id, by=ANYBODY)
    into = create_project(name="Moved in", slug="moved-in", environments=[("Production", "prod")], by=ANYBODY)
    root = vault.Folder.objects.get(environment__project=into)
    set_secret(root, "KEY", "another", by=ANYBODY)

    page.goto(f"/admin/vault/project/linked/{linked.pk}/")
    page.get_by_role("link", name="Copy into the vault").click()
    expect(page.get_by_label("Project there")).to_have_value(shop.id)
    page.get_by_label("Copy into").select_option(label="Moved in")
    photograph(page, "1-asked")
    page.get_by_role("button", name="Show the plan").last.click()
    expect(page.get_by_text("Waits for a worker")).to_be_visible()
    photograph(page, "2-progress")

    work(page, has_scripts=has_scripts)
    expect(page.get_by_role("heading", name="Copy this?")).to_be_visible()
    expect(page.get_by_text("${NOPE} leads nowhere")).to_be_visible()
    photograph(page, "3-plan")
    page.get_by_label("Replace it by what the source has").check()
    page.get_by_role("button", name="Copy into the vault").click()
    expect(page.get_by_text("choose to leave it out.", exact=False).last).to_be_visible()
    photograph(page, "4-refused")
    page.get_by_label("Replace it by what the source has").check()
    page.get_by_label("Leave out what the vault does not take").check()
    page.get_by_role("button", name="Copy into the vault").click()
    expect(page.get_by_text("Waits for a worker")).to_be_visible()

    assert work(page, has_scripts=has_scripts).state == Copy.State.DONE
    expect(page.get_by_text("secrets: 4 new, 0 as before, 1 replaced")).to_be_visible()
    photograph(page, "5-done")
    assert "canary-browser" not in page.content()
    page.get_by_role("link", name="Open Moved in").click()
    expect(page.get_by_role("heading", level=1, name="Moved in")).to_be_visible()
    assert complaints == []
