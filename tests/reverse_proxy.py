"""A reverse proxy in front of the site that shows it below a path; and a browser in front of that."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.conf import LazySettings
from django.test import Client
from django.test.client import ClientHandler
from django.urls import set_script_prefix

from devinsync_site.prefix import below

PREFIX = "/tools/devinsync"
# What holds addresses, and no paths of folders.
ATTRIBUTES = re.compile(r"href|src|action|formaction|data-(.*-)?(from|url|href)")


class LeftThePrefix(Exception):
    """A request that the reverse proxy would have given to somebody else."""


class ReverseProxy(ClientHandler):
    """In front of the site; takes the prefix off, or not."""

    def __init__(self, *args: Any, strips: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strips = strips

    def __call__(self, environ: dict[str, Any]) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith(f"{PREFIX}/") and path != PREFIX:
            raise LeftThePrefix(path)
        if self.strips:
            environ["PATH_INFO"] = path.removeprefix(PREFIX) or "/"
        below(lambda environ, _: [], PREFIX)(environ, None)
        set_script_prefix(PREFIX)
        return super().__call__(environ)


class Browser(Client):
    """Its addresses are those outside of the proxy."""

    def __init__(self, *, strips: bool) -> None:
        super().__init__()
        self.handler = ReverseProxy(self.handler.enforce_csrf_checks, strips=strips)


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.leading: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, text in attrs:
            if text and ATTRIBUTES.fullmatch(name) and text.startswith("/"):
                self.found.add(text)
            if text and tag == "a" and name == "href":
                self.leading.add(text)


def links_of(response: Any) -> Links:
    links = Links()
    links.feed(response.content.decode())
    return links


def below_the_prefix(settings: LazySettings, *, strips: bool) -> Iterator[Browser]:
    settings.PATH_PREFIX = settings.FORCE_SCRIPT_NAME = PREFIX
    settings.STATIC_URL = f"{PREFIX}/static/"
    yield Browser(strips=strips)
    set_script_prefix("/")
