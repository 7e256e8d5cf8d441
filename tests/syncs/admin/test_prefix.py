"""All pages, below a path of a reverse proxy: none of their addresses leads out of it."""

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.urls import resolve

from tests.reverse_proxy import PREFIX, Browser, below_the_prefix, links_of
from tests.syncs.conftest import Bench


@pytest.fixture(params=[True, False], ids=["taken off", "passed on"])
def browser(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[Browser]:
    yield from below_the_prefix(settings, strips=request.param)


def route_of(path: str) -> str:
    return str(resolve(path.removeprefix(PREFIX)).route)


def test_no_page_leads_out_of_it(browser: Browser, admin_user: User, bench: Bench) -> None:
    bench.source(A="1", B="${A}")
    bench.run()
    browser.force_login(admin_user)
    waiting, seen = [f"{PREFIX}/admin/"], set[str]()
    while waiting:
        address = waiting.pop()
        response = browser.get(address)
        if not response.headers["Content-Type"].startswith("text/html") or response.streaming:
            continue
        if response.status_code in (301, 302):
            waiting.append(urljoin(address, response.headers["Location"]))
            continue
        links = links_of(response)
        outside = {link for link in links.found if not link.startswith(f"{PREFIX}/")}
        assert not outside, f"{address} leads to {outside}"
        for link in sorted(links.leading):
            path = urlsplit(urljoin(address, link)).path
            if path.startswith(f"{PREFIX}/admin/") and "logout" not in path and route_of(path) not in seen:
                seen.add(route_of(path))
                waiting.append(urljoin(address, link))

    assert len(seen) > 40
