"""Below a path of a reverse proxy: what the provider is told, and where people are led, is below it too."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import LazySettings

from tests.reverse_proxy import PREFIX, Browser, below_the_prefix, links_of
from tests.single_sign_on.conftest import BEGIN, CALLBACK, Person

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["taken off", "passed on"])
def browser(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[Browser]:
    yield from below_the_prefix(settings, strips=request.param)


def test_the_way_to_a_provider_and_back_stays_below_the_path(person: Person, browser: Browser) -> None:
    person.client = browser
    page = f"{PREFIX}/admin/password_change/"

    asked = browser.get(f"{PREFIX}/admin/login/?next={page}")
    [button] = [link for link in links_of(asked).found if "/log-in/at/" in link]
    back = person.goes(button)
    went = browser.get(back)

    assert button.startswith(f"{PREFIX}{BEGIN}")
    assert parse_qs(urlsplit(person.asked).query)["redirect_uri"] == [f"http://testserver{PREFIX}{CALLBACK}"]
    assert back.startswith(f"{PREFIX}{CALLBACK}?")
    assert went.headers["Location"] == page
    assert browser.get(page).status_code == 200
