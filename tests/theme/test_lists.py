"""Lists of the admin as they are drawn by hand: boxes, links with filters, choices, dates; as Django itself would."""

from datetime import date

import pytest
from django.contrib import admin
from django.template.loader import render_to_string
from django.test import Client
from django.test.html import parse_html

from audit.models import Action, Entry
from common import long_lists
from theme.dates import dates_of
from theme.lists import LightRows

URL = "/admin/audit/entry/"


@pytest.fixture
def entries(db: None) -> list[Entry]:
    """Of three days of two months of one year, and of the year before; not a day without."""
    days = ("2025-12-30", "2026-02-03", "2026-03-01", "2026-03-02")
    rows = [
        Entry(at=f"{day} 12:00:00+00:00", actor="jo", action=Action.CHANGED, kind="sync", name=f"{day} {number}")
        for day in days
        for number in range(3)
    ]
    return Entry.objects.bulk_create(rows)


def test_the_box_of_a_row_is_djangos() -> None:
    entry = Entry(pk=7, actor='<Tom & "Co">', action=Action.CHANGED)
    djangos = admin.ModelAdmin.action_checkbox(admin.site.get_model_admin(Entry), entry)

    assert parse_html(LightRows().action_checkbox(entry)) == parse_html(djangos)
    assert "<Tom" not in LightRows().action_checkbox(entry)


def test_a_filter_shows_what_is_chosen_but_for_all() -> None:
    def drawn(*selected: bool) -> str:
        choices = [
            {"selected": is_chosen, "query_string": f"?a={number}&b=ä", "display": f"<{number}>"}
            for number, is_chosen in enumerate(selected)
        ]
        return render_to_string("admin/filter.html", {"title": "kind", "choices": choices})

    every, one = drawn(True, False), drawn(False, True)
    assert "ds-filter--active" not in every
    assert "<strong>" not in every
    assert '<li class="selected"><a href="?a=0&amp;b=%C3%A4" aria-current="true">&lt;0&gt;</a></li>' in every
    assert '<li><a href="?a=1&amp;b=%C3%A4">&lt;1&gt;</a></li>' in every
    assert "Kind: <strong>&lt;1&gt;</strong>" in one
    assert "ds-filter--active" in one


def test_a_filter_of_text_covers_no_rows_before_it_is_opened() -> None:
    choice = {"name": "project", "value": "<shop>", "label": "All of it", "kept": [("key", "A")], "without": "?key=A"}

    drawn = render_to_string("admin/text_filter.html", {"title": "project", "choices": [choice]})

    assert "Project: <strong>&lt;shop&gt;</strong>" in drawn
    assert '<details class="ds-filter ds-filter--active" data-filter-title="project">' in " ".join(drawn.split())
    assert '<a href="?key=A">Show all</a>' in drawn


def test_a_rows_link_finds_the_way_back_to_the_filters(admin_client: Client, entries: list[Entry]) -> None:
    page = admin_client.get(URL, {"q": "2025", "kind": "sync"}).content.decode()

    assert f'<a href="{URL}{entries[0].pk}/change/?_changelist_filters=q%3D2025%26kind%3Dsync">' in page
    assert f'<a href="{URL}{entries[0].pk}/change/">' in admin_client.get(URL).content.decode()


STEPS: dict[str, tuple[dict[str, int], str | None, list[str]]] = {
    "all": ({}, None, ["2025", "2026"]),
    "a year": ({"year": 2026}, "All dates", ["February 2026", "March 2026"]),
    "a month": ({"year": 2026, "month": 3}, "2026", ["1 March", "2 March"]),
    "a day": ({"year": 2026, "month": 3, "day": 2}, "March 2026", ["2 March"]),
    "a year of one month": ({"year": 2025}, "All dates", ["December 2025"]),
    "a year without any": ({"year": 2024}, "All dates", []),
}


@pytest.mark.parametrize(("chosen", "back", "titles"), STEPS.values(), ids=STEPS.keys())
@pytest.mark.postgresql
def test_a_list_is_narrowed_by_date(
    admin_client: Client, entries: list[Entry], chosen: dict[str, int], back: str | None, titles: list[str]
) -> None:
    query = {f"at__{part}": str(number) for part, number in chosen.items()} | {"kind": "sync"}
    cl = admin_client.get(URL, query).context["cl"]

    found = dates_of(cl)

    assert [choice["title"] for choice in found["choices"]] == titles
    assert (found["back"]["title"] if found["back"] else None) == back
    links = [choice["link"] for choice in found["choices"] if "link" in choice]
    assert all("kind=sync" in link and "at__year=" in link for link in links)
    assert len(cl.result_list) == sum(
        all(getattr(date.fromisoformat(entry.name[:10]), part) == number for part, number in chosen.items())
        for entry in entries
    )


def test_what_all_rows_have_in_common_is_not_asked(admin_client: Client, entries: list[Entry]) -> None:
    found = dates_of(admin_client.get(URL, {"q": "2026-03"}).context["cl"])

    assert [choice["title"] for choice in found["choices"]] == ["1 March", "2 March"]
    assert found["back"] == {"link": "?at__year=2026&q=2026-03", "title": "2026"}


def test_rows_far_behind_are_those_that_stand_there(
    admin_client: Client, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.admin.EntryAdmin.list_per_page", 5)
    whole = [row.pk for row in admin_client.get(URL, {"p": "2"}).context["cl"].result_list]

    monkeypatch.setattr(long_lists, "MOST_SKIPPED_WHOLE", 1)

    assert [row.pk for row in admin_client.get(URL, {"p": "2"}).context["cl"].result_list] == whole
    assert len(whole) == 5


def test_a_list_loads_what_it_shows_and_actions_whole_rows(
    admin_client: Client, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.admin.EntryAdmin.list_only", ("name",))

    cl = admin_client.get(URL).context["cl"]

    assert "digest" in cl.result_list[0].get_deferred_fields()
    assert not cl.queryset[0].get_deferred_fields()
