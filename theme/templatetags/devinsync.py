"""Template tags of the theme: icons, badges, charts, times, the parts of forms and lists.

Nothing here writes a style attribute: the Content-Security-Policy would refuse it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

from theme.badges import badge
from theme.charts import Bar, draw_bars
from theme.dates import dates_of
from theme.lists import draw_choices
from theme.times import due, duration, moment

register = template.Library()

CELL = re.compile(r"\s*<t[dh]")

register.simple_tag(badge, name="ds_badge")
register.filter("ds_ago", moment)
register.filter("ds_due", due)
register.filter("ds_duration", duration)
register.filter("ds_choices", draw_choices)
register.inclusion_tag("admin/date_hierarchy.html", name="ds_dates")(dates_of)


@register.simple_tag
def ds_icon(name: str) -> SafeString:
    address = static("devinsync/icons.svg")
    return format_html('<svg class="ds-icon" aria-hidden="true"><use href="{}#{}"></use></svg>', address, name)


@register.simple_tag
def ds_bars(bars: Sequence[Bar], label: str) -> SafeString:
    return draw_bars(list(bars), label=label)


@register.filter
def ds_labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> SafeString:
    """The cells of a changelist's row, each with its column's heading as `data-label`, for the narrow layout."""
    headings = chain(map(_label_of, headers), repeat(""))
    return mark_safe("".join(map(_with_label, map(str, cells), headings)))  # noqa: S308 - Django's own markup


def _label_of(header: dict[str, Any]) -> str:
    """The attribute, made once for all rows of a list."""
    if "data_label" not in header:
        heading = strip_tags(str(header["text"])).strip()
        header["data_label"] = format_html(' data-label="{}"', heading[:1].upper() + heading[1:]) if heading else ""
    return str(header["data_label"])


def _with_label(cell: str, label: str) -> str:
    start = CELL.match(cell)
    return cell[: start.end()] + label + cell[start.end() :] if start else cell


@register.filter
def ds_chosen(choices: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of a filter's choices that are selected."""
    return [choice for choice in choices if choice["selected"]]


@register.filter
def ds_without_colon(label: str) -> SafeString:
    """A label as Django draws it, without the colon at its end: here labels stand over their fields."""
    return mark_safe(label.replace(":</label>", "</label>"))  # noqa: S308 - Django's own markup


@register.filter
def ds_describedby(field: Any) -> str:
    """What a form field's `aria-describedby` names: its help, its errors."""
    parts = [f"{field.auto_id}_help"] if field.help_text else []
    return " ".join(parts + ([f"{field.auto_id}_error"] if field.errors else []))


@register.simple_tag
def ds_control(field: Any) -> SafeString:
    """A form field's input, told which help and errors belong to it."""
    described_by = ds_describedby(field)
    attrs = {"aria-describedby": described_by} if described_by else {}
    if field.errors:
        attrs["aria-invalid"] = "true"
    return SafeString(field.as_widget(attrs=attrs))


@register.filter
def ds_is_checkbox(field: Any) -> bool:
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not hasattr(field.field.widget, "choices")


@register.filter
def ds_is_single(items: Sequence[Any]) -> bool:
    return len(items) == 1


@register.filter
def ds_is_group(field: Any) -> bool:
    """Several inputs under one heading: radios, checkboxes."""
    return bool(field.field.widget.use_fieldset)
