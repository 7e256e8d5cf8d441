"""What template tags make of lists' cells, and that templates find badges and times under the tags' names."""

from datetime import timedelta
from typing import Any

from django.template import Context, Template
from django.utils.safestring import mark_safe

from theme.templatetags.devinsync import ds_labelled


def test_templates_draw_badges_and_times() -> None:
    tags = '{% ds_badge "pending" "Queued" %} {{ never|ds_ago }} {{ never|ds_due }} {{ span|ds_duration }}'
    page = Template("{% load devinsync %}" + tags).render(Context({"never": None, "span": timedelta(minutes=15)}))

    assert page == '<span class="ds-badge ds-badge--waiting">Queued</span> never never 15 minutes'


def test_a_cell_gets_its_columns_heading() -> None:
    cells = [mark_safe('<td class="action-checkbox">'), mark_safe("<th><a>x</a></th>"), mark_safe("<td>1</td>")]
    headers: list[dict[str, Any]] = [{"text": mark_safe("<input>")}, {"text": "name"}, {"text": '<b>"size"</b>'}]

    row = (
        '<td class="action-checkbox">'
        '<th data-label="Name"><a>x</a></th>'
        '<td data-label="&quot;size&quot;">1</td>'
    )  # fmt: skip
    assert ds_labelled(cells, headers) == row
    assert ds_labelled(cells, headers) == row


def test_a_row_may_have_more_cells_than_headings() -> None:
    assert ds_labelled([mark_safe("<td>1</td>")], []) == "<td>1</td>"
