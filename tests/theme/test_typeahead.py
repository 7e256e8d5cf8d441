"""Choices that are searched by typing, and forms that keep in step, in a real browser, with answers made here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import new_context
from tests.patience import wait_until

pytestmark = pytest.mark.browser

ADDRESS = "http://page.example/"
SCRIPTS = (
    "theme/static/devinsync/js/typeahead.js",
    "theme/static/devinsync/js/lines.js",
    "syncs/static/syncs/live.js",
)
SELECT = """<label for="c">Fruit</label>
<ds-typeahead><select id="c" name="c"><option value="">Choose one</option>{}</select></ds-typeahead>"""
TEXT = """<label for="c">Fruit</label>
<ds-typeahead{}><input id="c" name="c" list="l" value=""><datalist id="l" data-more="{}">{}</datalist></ds-typeahead>"""


def options(*names: str, chosen: str = "") -> str:
    return "".join(
        f'<option value="{name.lower()}"{" selected" if name == chosen else ""}>{name}</option>' for name in names
    )


@dataclass
class Site:
    """Answers what it is told; what it does not answer yet waits in `held`."""

    page: Page
    held: list[Route] = field(default_factory=list)

    def open(self, body: str) -> None:
        self.page.route(f"{ADDRESS}**", self._answer)
        scripts = "".join(f'<script src="/{name}"></script>' for name in SCRIPTS)
        self.body = f"<!doctype html><title>Page</title>{body}{scripts}"
        self.page.goto(ADDRESS)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        if path in SCRIPTS:
            route.fulfill(body=(Path(settings.BASE_DIR) / path).read_text(), content_type="text/javascript")
        elif path == "" and route.request.method == "GET":
            route.fulfill(body=self.body, content_type="text/html")
        else:
            self.held.append(route)

    def question(self, number: int) -> Route:
        """The request of that number, once it has come."""
        wait_until(lambda: self.page.evaluate("1") and len(self.held) > number)
        return self.held[number]


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    context = new_context(browser)
    # So that what drops a late answer is seen: not that its request was given up.
    context.add_init_script("AbortController.prototype.abort = () => {}")
    yield Site(context.new_page())
    context.close()


@pytest.fixture
def box(site: Site) -> Callable[[str], Locator]:
    def open_with(body: str) -> Locator:
        site.open(body)
        return site.page.get_by_role("combobox", name="Fruit")

    return open_with


def chosen(site: Site) -> object:
    return site.page.evaluate("document.querySelector('[name=c]').value")


def test_is_chosen_by_the_keyboard_alone(site: Site, box: Callable[[str], Locator]) -> None:
    field = box(SELECT.format(options("Apple", "Pear", "Pineapple")))
    expect(field).to_have_attribute("placeholder", "Choose one")

    field.press("ArrowDown")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(site.page.get_by_role("option", name="Apple", exact=True)).to_have_attribute("aria-selected", "true")
    field.press("ArrowUp")
    active = site.page.get_by_role("option", name="Pineapple")
    expect(active).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == active.get_attribute("id")
    field.press("Enter")

    expect(field).to_have_value("Pineapple")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert chosen(site) == "pineapple"


def test_what_is_typed_narrows_the_choices_and_says_how_many_are_left(
    site: Site, box: Callable[[str], Locator]
) -> None:
    field = box(SELECT.format(options("Pineapple", "Apple", "Pear")))

    field.fill("apple")

    expect(site.page.get_by_role("option")).to_have_text(["Apple", "Pineapple"])
    expect(site.page.get_by_role("status")).to_have_text("2 choices.")
    field.press("Tab")
    assert chosen(site) == "apple"


@pytest.mark.parametrize(("typed", "key"), [("Pe", "Escape"), ("nothing of these", "Tab")])
def test_what_is_no_choice_leaves_the_former_one(
    site: Site, box: Callable[[str], Locator], typed: str, key: str
) -> None:
    field = box(SELECT.format(options("Apple", "Pear", chosen="Apple")))

    field.fill(typed)
    field.press(key)

    expect(field).to_have_value("Apple")
    assert chosen(site) == "apple"


def test_an_empty_field_chooses_none(site: Site, box: Callable[[str], Locator]) -> None:
    field = box(SELECT.format(options("Apple", chosen="Apple")))

    field.fill("")
    field.press("Tab")

    assert chosen(site) == ""


def test_of_very_many_a_few_are_shown(site: Site, box: Callable[[str], Locator]) -> None:
    field = box(SELECT.format(options(*(f"Fruit {number}" for number in range(2_000)))))

    field.click()
    expect(site.page.get_by_role("option")).to_have_count(50)
    expect(site.page.get_by_role("status")).to_contain_text("1950 more")
    field.fill("fruit 1999")
    expect(site.page.get_by_role("option")).to_have_text(["Fruit 1999"])


def test_a_text_may_be_another_than_is_suggested(site: Site, box: Callable[[str], Locator]) -> None:
    field = box(TEXT.format("", 7, options("Apple", "Pear")))

    field.click()
    expect(site.page.get_by_role("status")).to_contain_text("7 more")
    field.fill("quince")
    expect(site.page.get_by_role("status")).to_have_text("Nothing matches.")
    field.press("Tab")

    assert chosen(site) == "quince"


def test_the_newest_suggestions_are_shown_in_whatever_order_they_come(
    site: Site, box: Callable[[str], Locator]
) -> None:
    field = box(TEXT.format(' data-from="/fruits"', 0, ""))

    field.fill("a")
    first = site.question(0)
    field.fill("ap")
    second = site.question(1)
    assert second.request.url.endswith("/fruits?q=ap")
    second.fulfill(body=TEXT.format("", 0, options("Apricot")), content_type="text/html")
    expect(site.page.get_by_role("option")).to_have_text(["Apricot apricot"])
    with site.page.expect_event("requestfinished"):
        first.fulfill(body=TEXT.format("", 0, options("Apple")), content_type="text/html")

    expect(field).not_to_have_attribute("aria-busy", "true")
    expect(site.page.get_by_role("option")).to_have_text(["Apricot apricot"])


FORM = """<form data-live-form><button name="refresh"></button><label for="k">Kind</label>
<select id="k" name="k"><option>one</option><option>two</option><option>three</option></select>
<div data-live-part="rest">{}</div></form>"""


def test_an_answer_to_older_entries_is_dropped(site: Site) -> None:
    site.open(FORM.format("nothing"))
    form, rest = site.page.locator("form"), site.page.locator("[data-live-part]")

    site.page.get_by_label("Kind").select_option("two")
    first = site.question(0)
    site.page.get_by_label("Kind").select_option("three")
    second = site.question(1)
    second.fulfill(body=FORM.format("of three"), content_type="text/html")
    expect(rest).to_have_text("of three")
    with site.page.expect_event("requestfinished"):
        first.fulfill(body=FORM.format("of two"), content_type="text/html")

    expect(form).to_have_attribute("aria-busy", "false")
    expect(rest).to_have_text("of three")


def test_an_answer_is_dropped_as_soon_as_something_else_is_entered(site: Site) -> None:
    site.page.clock.install()
    site.open(FORM.format("nothing"))
    site.page.get_by_label("Kind").select_option("two")
    site.page.clock.run_for(1)
    first = site.question(0)

    site.page.get_by_label("Kind").select_option("three")
    with site.page.expect_event("requestfinished"):
        first.fulfill(body=FORM.format("of two"), content_type="text/html")
    expect(site.page.locator("[data-live-part]")).to_have_text("nothing")
    site.page.clock.run_for(1)
    site.question(1).fulfill(body=FORM.format("of three"), content_type="text/html")

    expect(site.page.locator("[data-live-part]")).to_have_text("of three")


def test_what_there_is_to_choose_changes_below_what_is_being_typed(site: Site) -> None:
    site.open(FORM.format(SELECT.format(options("Apple"))))
    site.page.get_by_label("Kind").select_option("two")
    question = site.question(0)

    field = site.page.get_by_role("combobox", name="Fruit")
    field.fill("P")
    question.fulfill(body=FORM.format(SELECT.format(options("Pear", "Plum", chosen="Plum"))), content_type="text/html")

    expect(site.page.locator("li[role=option]")).to_have_text(["Pear", "Plum"])
    expect(field).to_have_value("P")
    field.press("Enter")
    assert chosen(site) == "pear"


def test_a_list_that_became_too_long_gives_way_to_a_field(site: Site) -> None:
    site.open(FORM.format(SELECT.format(options("Apple"))))
    site.page.get_by_label("Kind").select_option("two")
    question = site.question(0)

    field = site.page.get_by_role("combobox", name="Fruit")
    field.fill("pe")
    question.fulfill(body=FORM.format(TEXT.format("", 300, options("Pear"))), content_type="text/html")

    expect(site.page.locator("li[role=option]")).to_have_text(["Pear pear"])
    expect(field).to_have_value("pe")
    expect(field).to_be_focused()


def test_without_scripts_it_is_a_select(browser: Browser) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.set_content(SELECT.format(options("Apple", "Pear")))

    page.get_by_label("Fruit").select_option("pear")

    assert page.get_by_label("Fruit").input_value() == "pear"
    context.close()


LINES = """<form><textarea id="l" name="l"></textarea>
<div data-adds-to="l" data-adds-of="kind" hidden><ds-typeahead data-from="/fruits"><input aria-label="Fruit" list="f">
<datalist id="f"></datalist></ds-typeahead></div>
<select name="kind"><option value="">None</option><option value="2">Two</option></select></form>"""
FRUITS = """<ds-typeahead><input list="g"><datalist id="g"><option value="1">Apple</option>
<option value="2">Pear</option><option value="3">Pear</option></datalist></ds-typeahead>"""
ENTRIES = (("appl", "Apple"), ("Apple", "Apple"), ("1", "Apple"), ("3", "Apple\n3"), ("f*", "Apple\n3\nf*"))


def test_what_is_chosen_or_typed_becomes_a_line(site: Site, box: Callable[[str], Locator]) -> None:
    field = box(LINES)
    site.page.locator("select").select_option("2")
    asked = site.question(0)
    assert asked.request.url == f"{ADDRESS}fruits?kind=2&q="
    asked.fulfill(body=FRUITS, content_type="text/html")
    expect(site.page.locator("datalist option")).to_have_count(3)

    lines = site.page.locator("textarea")
    for typed, there in (
        ("appl", "Apple"),
        ("Apple", "Apple"),
        ("1", "Apple"),
        ("3", "Apple\n3"),
        ("f*", "Apple\n3\nf*"),
    ):
        field.fill(typed)
        field.press("Enter")
        expect(lines).to_have_value(there)
        expect(field).to_have_value("")
    field.fill("left")
    lines.focus()
    expect(lines).to_have_value("Apple\n3\nf*\nleft")
    assert site.page.url == ADDRESS
