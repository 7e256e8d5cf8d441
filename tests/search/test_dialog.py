"""The dialog of the search in a real browser, by the keyboard alone, with answers made here in any order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import new_context
from tests.patience import wait_until

pytestmark = pytest.mark.browser

ADDRESS = "http://page.example/"
SCRIPT = "search/static/search/search.js"
BODY = """<!doctype html><title>Page</title><input aria-label="Name" value="typed">
<a href="/search" data-search-from="/results">Search</a><button class="theme-toggle">Look</button>
<script>
  document.querySelector("button").onclick = () => document.body.dataset.look = "changed";
</script><script src="/search.js"></script>"""


@dataclass
class Site:
    """Holds each question until it is answered."""

    page: Page
    held: list[Route] = field(default_factory=list)

    def open(self) -> None:
        self.page.route(f"{ADDRESS}**", self._answer)
        self.page.goto(ADDRESS)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        if path == "search.js":
            text = (Path(settings.BASE_DIR) / SCRIPT).read_text()
            route.fulfill(body=text, content_type="text/javascript")
        elif path.startswith("results"):
            self.held.append(route)
        else:
            route.fulfill(body=BODY, content_type="text/html")

    def question(self, text: str) -> Route:
        """The request for this text, once it has come."""
        found: list[Route] = []

        def has_come() -> bool:
            self.page.evaluate("1")
            found[:] = [route for route in self.held if route.request.url.endswith(f"?q={text}")]
            return bool(found)

        wait_until(has_come)
        return found[-1]

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("combobox", name="Search everything")

    @property
    def chosen(self) -> Locator:
        return self.page.locator("[role=option][aria-selected=true]")


def answer(route: Route, *names: str, does: str = "") -> None:
    rows = "".join(
        f'<li><a href="/to/{name}" data-search-hit{does}><span>{name}</span></a>'
        f'<span class="ds-list__meta">in Shop</span></li>'
        for name in names
    )
    body = f"""<div data-search-results><p data-search-status>{len(names)} results.</p>
      <section data-search-group="Secrets"><ul>{rows}</ul></section></div>"""
    route.fulfill(body=body, content_type="text/html")


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    context = new_context(browser)
    site = Site(context.new_page())
    site.open()
    yield site
    context.close()


def test_opens_by_the_keyboard_and_gives_the_focus_back(site: Site) -> None:
    name = site.page.get_by_label("Name", exact=True)
    name.focus()

    site.page.keyboard.press("Control+k")
    expect(site.box).to_be_focused()
    site.page.keyboard.press("Escape")

    expect(site.box).to_be_hidden()
    expect(name).to_be_focused()
    assert name.input_value() == "typed"


@pytest.mark.parametrize("keys", ["Meta+k", "Control+k"])
def test_its_key_closes_it_too(site: Site, keys: str) -> None:
    site.page.keyboard.press("Control+k")
    expect(site.box).to_be_focused()

    site.page.keyboard.press(keys)

    expect(site.box).to_be_hidden()


def test_what_is_chosen_is_told_and_followed(site: Site) -> None:
    site.page.get_by_role("link", name="Search").click()
    site.box.fill("a")
    answer(site.question("a"), "one", "two", "three")

    expect(site.chosen).to_have_text("onein Shop")
    site.page.keyboard.press("ArrowDown")
    expect(site.chosen).to_have_text("twoin Shop")
    site.page.keyboard.press("ArrowUp")
    site.page.keyboard.press("ArrowUp")
    expect(site.chosen).to_have_text("threein Shop")
    expect(site.box).to_have_attribute("aria-activedescendant", site.chosen.get_attribute("id") or "none")
    expect(site.box).to_have_attribute("aria-expanded", "true")
    expect(site.page.get_by_role("group", name="Secrets")).to_be_visible()

    site.page.keyboard.press("Enter")
    site.page.wait_for_url(f"{ADDRESS}to/three")


def test_a_late_answer_is_dropped(site: Site) -> None:
    site.page.keyboard.press("Control+k")
    site.box.fill("a")
    first = site.question("a")
    site.box.fill("ab")
    answer(site.question("ab"), "newer")
    expect(site.chosen).to_have_text("newerin Shop")

    with site.page.expect_response(lambda response: response.url.endswith("?q=a")):
        answer(first, "older")

    site.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(site.chosen).to_have_text("newerin Shop")


def test_enter_waits_for_the_answer_to_what_is_typed(site: Site) -> None:
    site.page.keyboard.press("Control+k")
    site.box.fill("a")
    answer(site.question("a"), "older")
    expect(site.chosen).to_have_text("olderin Shop")

    site.box.fill("ab")
    site.page.keyboard.press("Enter")
    assert site.page.url == ADDRESS
    answer(site.question("ab"), "newer")

    site.page.wait_for_url(f"{ADDRESS}to/newer")


def test_says_when_there_is_no_answer_and_goes_on(site: Site) -> None:
    site.page.keyboard.press("Control+k")
    site.box.fill("a")
    site.question("a").fulfill(status=503, body="busy")
    expect(site.page.get_by_role("status")).to_have_text("The search did not answer. Type again.")
    site.page.keyboard.press("Enter")
    assert site.page.url == ADDRESS

    site.box.fill("ab")
    answer(site.question("ab"), "one")
    expect(site.page.get_by_role("status")).to_have_text("1 results.")


def test_the_look_is_changed_without_leaving(site: Site) -> None:
    site.page.keyboard.press("Control+k")
    site.box.fill("look")
    answer(site.question("look"), "Change theme", does=' data-does="theme"')
    expect(site.chosen).to_be_visible()

    site.page.keyboard.press("Enter")

    expect(site.page.locator("body")).to_have_attribute("data-look", "changed")
    expect(site.box).to_be_hidden()
