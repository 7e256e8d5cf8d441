"""Takes the guide's pictures anew, of a demo that runs: light and dark, into `docs/images`.

    DJANGO_SUPERUSER_PASSWORD=a-password-of-yours make demo        in one terminal, with a DATA_DIR that is new
    DJANGO_SUPERUSER_PASSWORD=a-password-of-yours python -m tests.screenshots http://127.0.0.1:8000

Creates nothing: it walks the wizard up to its last page and leaves it there.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize

from tests.browser import new_context, open_browser

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCREEN = ViewportSize(width=1200, height=750)
LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ADMIN = "/admin/"


def overview(page: Page) -> None:
    page.goto(ADMIN)


def folder(page: Page) -> None:
    page.goto(f"{ADMIN}vault/project/")
    page.get_by_role("link", name="Acme Shop").first.click()
    page.get_by_role("link", name="/checkout", exact=True).first.click()


def wizard(page: Page) -> None:
    page.goto(f"{ADMIN}syncs/devinsync/add/?restart=1")
    choose(page, "Project", "Acme Shop")
    choose(page, "Environment", "Production (prod)")
    choose(page, "Secret path", "/checkout")


def review(page: Page) -> None:
    wizard(page)
    for heading in ("Destination", "Options"):
        page.get_by_role("button", name="Next", exact=True).last.click()
        page.get_by_role("heading", name=heading, exact=True).first.wait_for()
    page.get_by_label("Key schema").fill("PROD_{{secretKey}}")
    page.get_by_role("button", name="Next", exact=True).last.click()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Create sync").wait_for()


def sync(page: Page) -> None:
    page.goto(f"{ADMIN}syncs/devinsync/")
    page.get_by_role("link", name="checkout-to-devin").first.click()


def run(page: Page) -> None:
    page.goto(f"{ADMIN}syncs/syncrun/")
    page.locator("#result_list tbody th a").last.click()


def choose(page: Page, label: str, option: str) -> None:
    """Types into a field that suggests, and waits until the page has taken it in."""
    page.get_by_role("combobox", name=label, exact=True).and_(page.locator("input")).fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.locator("[data-live-form]:not([aria-busy='true'])").wait_for()


PICTURES: tuple[Callable[[Page], None], ...] = (overview, folder, wizard, review, sync, run)


def take_all(address: str, password: str) -> None:
    with open_browser() as browser:
        page = new_context(browser, base_url=address, viewport=SCREEN, reduced_motion="reduce").new_page()
        page.goto(f"{ADMIN}login/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"**{ADMIN}")
        for look in LOOKS:
            page.emulate_media(color_scheme=look)
            for picture in PICTURES:
                picture(page)
                page.screenshot(path=IMAGES / f"{picture.__name__}-{look}.png")


if __name__ == "__main__":
    take_all(sys.argv[1], os.environ["DJANGO_SUPERUSER_PASSWORD"])
