"""Every stock page in a real browser: nothing that the policy refuses, nothing wider than the screen."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from syncs.choices import Status
from syncs.models import DevinSync
from tests.browser import new_context
from tests.pages import PASSWORD
from tests.patience import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCREENS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
PAGES = (
    "/admin/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/user/{user}/change/",
    "/admin/auth/user/{user}/delete/",
    "/admin/auth/user/{user}/history/",
    "/admin/auth/user/{user}/password/",
    "/admin/auth/group/",
    "/admin/auth/group/add/",
    "/admin/auth/",
    "/admin/axes/accessattempt/",
    "/admin/password_change/",
)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Page:
    """A page of the browser that collects what the console complains of."""

    def __init__(self, browser: Any, address: str, screen: str, scheme: str = "light") -> None:
        self.context = new_context(browser, viewport=SCREENS[screen], color_scheme=scheme)
        self.page = self.context.new_page()
        self.address = address
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("load")
        return self.page

    def log_in(self, user: User) -> None:
        self.open("/admin/login/")
        self.page.fill("#id_username", user.username)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("#login-form button")
        self.page.wait_for_url(f"{self.address}/admin/")


@pytest.fixture
def root(somebody: Callable[..., User]) -> User:
    return somebody(name="root", is_superuser=True)


@pytest.mark.parametrize("screen", SCREENS)
def test_no_page_breaks_the_policy_or_the_screen(
    screen: str, browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("a-name-as-long-as-names-of-syncs-can-well-become-in-a-large-company", Status.FAILED)
    seen = Page(browser, live_server.url, screen)
    seen.log_in(root)

    for path in PAGES:
        page = seen.open(path.format(user=root.pk))
        assert seen.complaints == [], path
        assert page.evaluate(TOO_WIDE) <= 0, path


@pytest.mark.parametrize("screen", SCREENS)
def test_every_list_keeps_to_the_policy_and_the_screen(
    screen: str, browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("billing", Status.SUCCEEDED)
    seen = Page(browser, live_server.url, screen)
    seen.log_in(root)

    for model in admin.site._registry:
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = seen.open(path)
        assert seen.complaints == [], path
        assert page.evaluate(TOO_WIDE) <= 0, path


def test_the_menu_opens_and_closes_on_a_phone(browser: Any, live_server: Any, root: User) -> None:
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)
    link = seen.page.get_by_role("link", name="Users", exact=True)
    assert not link.is_visible()

    seen.page.get_by_role("button", name="Menu").click()
    link.wait_for(state="visible")
    seen.page.keyboard.press("Escape")

    link.wait_for(state="hidden")
    assert seen.page.evaluate("document.activeElement.hasAttribute('data-nav-toggle')")


def test_the_look_can_be_changed_and_stays(browser: Any, live_server: Any, root: User) -> None:
    seen = Page(browser, live_server.url, "desktop")
    seen.log_in(root)
    light = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")

    seen.page.click(".theme-toggle")
    seen.open("/admin/auth/user/")

    assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert seen.complaints == []


def test_the_first_tab_stop_skips_to_the_content(browser: Any, live_server: Any, root: User) -> None:
    seen = Page(browser, live_server.url, "desktop")
    seen.log_in(root)
    page = seen.open("/admin/")

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_a_filter_opens_above_the_rows_and_closes(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("billing", Status.SUCCEEDED)
    seen = Page(browser, live_server.url, "desktop")
    seen.log_in(root)
    page = seen.open("/admin/syncs/syncrun/")
    choice = page.locator("#changelist-filter").get_by_role("link", name="Failed", exact=True)
    assert not choice.is_visible()

    page.locator("#changelist-filter summary", has_text="Status").click()
    choice.wait_for(state="visible")
    page.keyboard.press("Escape")
    choice.wait_for(state="hidden")


def test_a_chosen_filter_is_named(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("billing", Status.SUCCEEDED)
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)

    page = seen.open("/admin/syncs/syncrun/?status__exact=failed")

    assert page.locator(".ds-filter--active summary").inner_text().split() == ["Status:", "Failed"]
    assert page.evaluate(TOO_WIDE) <= 0


def test_the_checkbox_of_a_card_covers_nothing(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("billing", Status.SUCCEEDED)
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)
    page = seen.open("/admin/vault/project/")

    box = page.locator("tbody input.action-select").bounding_box()
    name = page.get_by_role("link", name="Shop", exact=True).bounding_box()

    assert box["x"] + box["width"] < name["x"]


def test_a_deep_path_shows_its_last_two_parts_on_a_phone(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    folder = add_sync("billing", Status.SUCCEEDED).folder
    assert folder is not None
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)

    page = seen.open(reverse("admin:vault_folder_page", args=[folder.pk]))

    parts = [part.inner_text().strip() for part in page.locator(".ds-crumbs li").all() if part.is_visible()]
    assert parts == ["prod", "app"]


def test_a_run_takes_two_lines_of_a_phone(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("a-name-as-long-as-names-of-syncs-can-be", Status.FAILED)
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)

    for path in ("/admin/syncs/syncrun/", "/admin/syncs/devinsync/"):
        row = seen.open(path).locator("#result_list tbody tr")
        line = seen.page.evaluate("parseFloat(getComputedStyle(document.body).lineHeight)")
        assert row.bounding_box()["height"] < 5 * line, path
        assert row.get_by_text("Failed", exact=True).is_visible(), path


def test_the_search_box_keeps_its_width(
    browser: Any, live_server: Any, root: User, add_sync: Callable[..., DevinSync]
) -> None:
    add_sync("billing", Status.FAILED)
    seen = Page(browser, live_server.url, "phone")
    seen.log_in(root)

    widths = [
        seen.open(f"/admin/syncs/syncrun/{query}").locator("#searchbar").bounding_box()["width"]
        for query in ("", "?q=billing", "?q=nothing-of-that-name")
    ]

    assert len(set(widths)) == 1


def test_the_first_field_to_be_corrected_has_the_cursor(browser: Any, live_server: Any, root: User) -> None:
    seen = Page(browser, live_server.url, "desktop")
    seen.log_in(root)
    page = seen.open("/admin/api/apitoken/add/")
    page.fill("#id_allowed_networks", "no network")
    page.fill("#id_name", "CI")
    held: list[Any] = []
    page.route("**/change_form.*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no builtin

    page.get_by_role("button", name="Save", exact=True).click(no_wait_after=True)
    page.locator("#id_allowed_networks[aria-invalid]").wait_for()
    wait_until(lambda: page.evaluate("true") and held)
    # Django's script, which gives the first field of all the cursor, however late it comes.
    held.pop().continue_()
    page.wait_for_load_state("load")

    # Not `:focus`, which matches nothing in a window that has lost it itself.
    assert page.evaluate("document.activeElement.id") == "id_allowed_networks"


def test_no_script_runs_whenever_it_comes() -> None:
    templates = [path.read_text() for path in sorted((settings.BASE_DIR / "templates").rglob("*.html"))]
    scripts = [script for text in templates for script in re.findall("<script[^>]*>", text)]

    assert len(scripts) > 20
    assert [script for script in scripts if re.search(r"\basync\b", script)] == []
