"""A choice that is searched by typing (`typeahead.js`), and without scripts is what it says here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


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


class TypeaheadSelect(Typeahead, forms.Select):
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
