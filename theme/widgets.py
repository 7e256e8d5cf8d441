"""A choice that is searched by typing (`typeahead.js`), and without scripts is what it says here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe


@dataclass(frozen=True)
class Suggestions:
    """What to suggest, each as what is entered and what it is called, and how many more there are."""

    choices: Sequence[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0


class Typeahead(forms.Widget):
    """`asks_at` is where other suggestions are answered while somebody types; "" where the page sees to that."""

    asks_at = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        inner = SafeString(super().render(name, value, attrs, renderer))
        source = format_html(' data-from="{}"', self.asks_at) if self.asks_at else ""
        return format_html("<ds-typeahead{}>{}{}</ds-typeahead>", source, inner, self.beside(name, value, attrs or {}))

    def beside(self, name: str, value: Any, attrs: dict[str, Any]) -> SafeString | str:
        """What stands beside the control."""
        return ""


class DrawnSelect(forms.Select):
    """Django's, drawn without two templates for each option."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        inner = mark_safe("".join(part for group in widget["optgroups"] for part in _optgroup(*group)))  # noqa: S308
        return format_html('<select name="{}"{}>{}</select>', widget["name"], flatatt(widget["attrs"]), inner)


def _optgroup(heading: str | None, options: list[dict[str, Any]], index: int) -> Iterator[str]:
    """By hand, as its time counts; every text in it is escaped."""
    if heading:
        yield f'<optgroup label="{escape(str(heading))}">'
    for option in options:
        attrs = flatatt(option["attrs"]) if option["attrs"] else ""
        yield f'<option value="{escape(str(option["value"]))}"{attrs}>{conditional_escape(option["label"])}</option>'
    if heading:
        yield "</optgroup>"


class TypeaheadSelect(Typeahead, DrawnSelect):
    """A select."""


class TypeaheadText(Typeahead, forms.TextInput):
    """A text field. `suggest` answers what to suggest for what is entered."""

    suggest: Callable[[str], Suggestions] = staticmethod(lambda text: Suggestions())

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        own = {"autocomplete": "off", "spellcheck": "false", "list": f"{name}-suggestions"}
        return super().get_context(name, value, own | (attrs or {}))

    def beside(self, name: str, value: Any, attrs: dict[str, Any]) -> SafeString:
        found = self.suggest(str(value or ""))
        options = format_html_join("", '<option value="{}">{}</option>', found.choices)
        return format_html('<datalist id="{}-suggestions" data-more="{}">{}</datalist>', name, found.left_out, options)


class DateTimeInput(forms.DateTimeInput):
    """A day and a time in one control of the browser's own, to the minute, in the zone that the page is shown in."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class Boxes(forms.CheckboxSelectMultiple):
    """Django's, drawn without three templates for each box: of permissions there are a hundred."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        groups = [(heading, mark_safe("".join(map(_box, boxes)))) for heading, boxes, _ in widget["optgroups"]]  # noqa: S308
        inner = format_html_join("", "{}", ((_group(*group),) for group in groups))
        wanted = {key: text for key, text in widget["attrs"].items() if key in ("id", "class")}
        return format_html("<div{}>{}</div>", flatatt(wanted), inner)


def _group(heading: str | None, boxes: SafeString) -> SafeString:
    return format_html("<div><label>{}</label>{}</div>", heading, boxes) if heading else boxes


def _box(option: dict[str, Any]) -> str:
    """By hand, as its time counts; every text in it is escaped."""
    given = {"type": option["type"], "name": option["name"], "value": option["value"], **option["attrs"]}
    attrs = "".join(
        f" {key}" if each is True else f' {key}="{escape(str(each))}"'
        for key, each in given.items()
        if each is not False
    )
    points = f' for="{escape(str(given["id"]))}"' if given.get("id") else ""
    return f"<div><label{points}><input{attrs}> {conditional_escape(option['label'])}</label></div>"
