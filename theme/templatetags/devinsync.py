"""Template tags of the theme: icons, badges, charts drawn as SVG on the server, times in words.

Nothing here writes a style attribute: the Content-Security-Policy would refuse it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

from theme.charts import Bar, draw_bars, draw_sparkline

register = template.Library()

KINDS = ("ok", "failed", "running", "waiting", "blocked", "off", "info")
KIND_OF_STATUS = {
    "succeeded": "ok",
    "valid": "ok",
    "enabled": "ok",
    "on": "ok",
    "created": "ok",
    "failed": "failed",
    "errored": "failed",
    "invalid": "failed",
    "refused": "failed",
    "running": "running",
    "pending": "waiting",
    "queued": "waiting",
    "waiting": "waiting",
    "blocked": "blocked",
    "cancelled": "off",
    "disabled": "off",
    "paused": "off",
    "skipped": "off",
    "never": "off",
    "kept": "off",
}


@register.simple_tag
def ds_icon(name: str) -> SafeString:
    address = static("devinsync/icons.svg")
    return format_html('<svg class="ds-icon" aria-hidden="true"><use href="{}#{}"></use></svg>', address, name)


@register.filter
def ds_status_kind(status: object) -> str:
    """The badge kind of a status; a kind stands for itself, a word nobody knows is "info"."""
    word = str(status).lower()
    return word if word in KINDS else KIND_OF_STATUS.get(word, "info")


@register.simple_tag
def ds_badge(status: object, label: object = "") -> SafeString:
    text = label or str(status).replace("_", " ").replace("-", " ").capitalize()
    return format_html('<span class="ds-badge ds-badge--{}">{}</span>', ds_status_kind(status), text)


@register.simple_tag
def ds_sparkline(values: Sequence[float], label: str) -> SafeString:
    return draw_sparkline(list(values), label=label)


@register.simple_tag
def ds_bars(bars: Sequence[Bar], label: str) -> SafeString:
    return draw_bars(list(bars), label=label)


@register.filter
def ds_ago(moment: datetime | None) -> SafeString | str:
    """ "3 minutes ago" or "in 2 hours", with the exact time as title; "never" for None."""
    if moment is None:
        return "never"
    seconds = (timezone.now() - moment).total_seconds()
    words = _in_words(abs(seconds))
    text = words if words == "just now" else (f"{words} ago" if seconds >= 0 else f"in {words}")
    if words == "just now" and seconds < 0:
        text = "now"
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), local.strftime("%d %b %Y, %H:%M:%S %Z"), text
    )


def _in_words(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "just now" if seconds < 10 else f"{int(seconds)} seconds"


@register.filter
def ds_due(moment: datetime) -> SafeString | str:
    """As `ds_ago`, but what is overdue is due "now"."""
    return ds_ago(moment) if moment > timezone.now() else "now"


@register.filter
def ds_duration(span: timedelta) -> str:
    """ "15 minutes": how long, in the largest unit that fits."""
    return _in_words(span.total_seconds())


@register.filter
def ds_labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> Iterator[SafeString]:
    """The cells of a changelist's row, each with its column's heading as `data-label`, for the narrow layout."""
    for cell, header in zip_longest(cells, headers, fillvalue=None):
        if cell is None:
            return
        heading = strip_tags(str(header["text"])).strip() if isinstance(header, dict) else ""
        yield _with_label(str(cell), heading)


def _with_label(cell: str, heading: str) -> SafeString:
    if not heading:
        return mark_safe(cell)  # noqa: S308 - Django's own markup
    attribute = format_html(' data-label="{}"', heading[:1].upper() + heading[1:])
    return mark_safe(re.sub(r"^(\s*<t[dh])", lambda tag: tag[1] + attribute, cell, count=1))  # noqa: S308


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
def ds_is_group(field: Any) -> bool:
    """Several inputs under one heading: radios, checkboxes."""
    return bool(field.field.widget.use_fieldset)
