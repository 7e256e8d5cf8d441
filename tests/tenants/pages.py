"""The requests that pages make: their links, and their forms as they would be sent."""

from collections.abc import Container
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

# What a form sends as it stands, and what is entered.
TYPED = ("hidden", "number", "date", "url", "email", "password", "datetime-local")

ENTERED = ("text", "search", None)


@dataclass
class Form:
    action: str
    method: str
    data: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str | None, value: str | None) -> None:
        if name and name != "csrfmiddlewaretoken":
            self.data.setdefault(name, []).append(value or "")


class Page(HTMLParser):
    """What of a page can be followed or sent. What can be ticked is; of a list, what is `preferred` or the first; what
    is empty is `entered`."""

    def __init__(self, address: str, text: str, *, preferred: Container[str] = (), entered: str = "") -> None:
        super().__init__()
        self.address, self.text, self.links, self.forms = address, text, list[str](), list[Form]()
        self._preferred, self._entered = preferred, entered
        self._form: Form | None = None
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attrs = dict(pairs)
        for name in ("href", "data-refresh-url", "data-from", "data-url"):
            if (target := attrs.get(name)) and not target.startswith(("#", "http", "mailto", "data:")):
                self.links.append(urljoin(self.address, target))
        if tag == "form":
            action = urljoin(self.address, attrs.get("action") or self.address)
            self._form = Form(action, (attrs.get("method") or "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, attrs, self._form)

    def _field(self, tag: str, attrs: dict[str, Any], form: Form) -> None:
        if tag == "input" and attrs.get("type") in ENTERED:
            form.add(attrs.get("name"), attrs.get("value") or self._entered)
        elif tag == "input" and attrs.get("type") in TYPED:
            form.add(attrs.get("name"), attrs.get("value"))
        elif tag == "input" and attrs.get("type") in ("checkbox", "radio"):
            form.add(attrs.get("name"), attrs.get("value", "on"))
        elif tag == "button" and attrs.get("name"):
            form.add(attrs["name"], attrs.get("value"))
        elif tag == "select":
            self._select = attrs.get("name")
        elif tag == "option" and attrs.get("value") and self._select:
            if self._select not in form.data or attrs["value"] in self._preferred:
                form.data[self._select] = [attrs["value"]]
        elif tag == "textarea":
            form.add(attrs.get("name"), self._entered)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
