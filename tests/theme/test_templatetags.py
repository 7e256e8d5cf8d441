"""Badges, times, charts and table cells, as the templates draw them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.safestring import mark_safe

from theme.charts import Bar, draw_bars, draw_sparkline
from theme.templatetags.devinsync import ds_ago, ds_badge, ds_due, ds_duration, ds_labelled, ds_status_kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("succeeded", "ok"),
        ("failed", "failed"),
        ("errored", "failed"),
        ("pending", "waiting"),
        ("cancelled", "off"),
        ("blocked", "blocked"),
        ("unheard-of", "info"),
    ],
)
def test_every_status_has_a_kind(status: str, kind: str) -> None:
    assert ds_status_kind(status) == kind


def test_a_badge_escapes_what_it_says() -> None:
    assert "<b>" not in ds_badge("ok", "<b>")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "just now"),
        (42, "42 seconds ago"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (-130, "in 2 minutes"),
        (-1, "now"),
    ],
)
def test_a_time_in_words(seconds: int, words: str) -> None:
    assert f">{words}</time>" in str(ds_ago(timezone.now() - timedelta(seconds=seconds, milliseconds=1)))


def test_what_never_was_is_never() -> None:
    assert ds_ago(None) == "never"


def test_what_is_overdue_is_due_now() -> None:
    assert ds_due(timezone.now() - timedelta(hours=1)) == "now"


def test_a_duration_in_words() -> None:
    assert ds_duration(timedelta(minutes=15)) == "15 minutes"


def test_a_cell_gets_its_columns_heading() -> None:
    cells = [mark_safe('<td class="action-checkbox">'), mark_safe("<th><a>x</a></th>"), mark_safe("<td>1</td>")]
    headers: list[dict[str, Any]] = [{"text": mark_safe("<input>")}, {"text": "name"}, {"text": '<b>"size"</b>'}]

    assert list(ds_labelled(cells, headers)) == [
        '<td class="action-checkbox">',
        '<th data-label="Name"><a>x</a></th>',
        '<td data-label="&quot;size&quot;">1</td>',
    ]


def test_a_row_may_have_more_cells_than_headings() -> None:
    assert list(ds_labelled([mark_safe("<td>1</td>")], [])) == ["<td>1</td>"]


def test_a_chart_names_each_bar_and_has_no_inline_style() -> None:
    bars: list[Bar] = [{"label": "10:00", "parts": [("ok", 3), ("failed", 1)]}, {"label": "11:00", "parts": []}]

    svg = draw_bars(bars, label="Runs <an hour>")

    assert "<title>10:00: 3 ok, 1 failed</title>" in svg
    assert "<title>11:00: none</title>" in svg
    assert "Runs &lt;an hour&gt;" in svg
    assert "style=" not in svg


def test_charts_of_nothing_are_drawn_too() -> None:
    assert draw_bars([], label="none").startswith("<svg")
    assert draw_sparkline([], label="none").startswith("<svg")
    assert draw_sparkline([0, 0], label="flat").startswith("<svg")
