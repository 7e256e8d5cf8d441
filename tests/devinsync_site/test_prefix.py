"""Below a path of a reverse proxy, which takes the path off or passes it on: nothing leads out of it."""

import json
import re
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_script_prefix

from common.environment import BadEnvironment, Environment
from tests.reverse_proxy import PREFIX, Browser, LeftThePrefix, below_the_prefix, links_of

PASSWORD = "a-long-word-of-nobody"

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["taken off", "passed on"])
def browser(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[Browser]:
    yield from below_the_prefix(settings, strips=request.param)


@pytest.fixture
def person() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def test_logging_in_leads_to_where_one_was_going(browser: Browser, person: User) -> None:
    page = f"{PREFIX}/admin/vault/project/"

    asked = browser.get(page, follow=True)
    (action,) = (link for link in links_of(asked).found if "login" in link)
    form = {"username": person.username, "password": PASSWORD, "next": asked.context["next"]}
    went = browser.post(action, form, follow=True)

    assert asked.redirect_chain == [(f"{PREFIX}/admin/login/?next={page}", 302)]
    assert went.request["PATH_INFO"].removeprefix(PREFIX) == page.removeprefix(PREFIX)
    assert went.status_code == 200


def test_after_a_session_has_ended_one_is_led_back_inside(browser: Browser, person: User) -> None:
    browser.force_login(person)
    session = browser.session
    session["signed_in_at"] = session["seen_at"] = 1
    session.save()

    response = browser.post(f"{PREFIX}/admin/vault/project/add/", {})

    assert response.headers["Location"].startswith(f"{PREFIX}/admin/login/?next=%2Ftools%2Fdevinsync%2Fadmin%2F")


def test_cookies_stay_inside(browser: Browser, person: User) -> None:
    page = browser.get(f"{PREFIX}/admin/login/")
    form = {"username": person.username, "password": PASSWORD, "next": f"{PREFIX}/admin/"}
    went = browser.post(f"{PREFIX}/admin/login/", form)

    cookies = [*page.cookies.values(), *went.cookies.values()]
    assert len(cookies) >= 3
    assert {cookie["path"] for cookie in cookies} == {f"{PREFIX}/"}


def test_a_form_takes_its_token(browser: Browser, person: User) -> None:
    browser.handler.enforce_csrf_checks = True
    browser.force_login(person)
    page = browser.get(f"{PREFIX}/admin/vault/project/add/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token

    refused = browser.post(f"{PREFIX}/admin/vault/project/add/", {"name": "One"})
    taken = browser.post(f"{PREFIX}/admin/vault/project/add/", {"name": "One", "csrfmiddlewaretoken": token[1]})

    assert (refused.status_code, taken.status_code in (200, 302)) == (403, True)


def test_the_root_and_the_probes_are_there(browser: Browser) -> None:
    assert browser.get(PREFIX).headers["Location"] == f"{PREFIX}/admin/"
    assert browser.get(f"{PREFIX}/search?q=x").headers["Location"] == f"{PREFIX}/admin/search/?q=x"
    assert browser.get(f"{PREFIX}/healthz").json()["status"] == "ok"
    assert browser.get(f"{PREFIX}/readyz").status_code in (200, 503)


def test_the_api_says_where_it_is(browser: Browser, person: User) -> None:
    browser.force_login(person)
    document = browser.get(f"{PREFIX}/api/docs/json").json()
    page = browser.get(f"{PREFIX}/api/docs")
    missing = browser.get(f"{PREFIX}/api/v1/nothing")
    refused = browser.get(f"{PREFIX}/api/v1/projects?nonsense=1")

    assert [each["url"] for each in document["servers"]] == [f"http://testserver{PREFIX}"]
    assert all(path.startswith(("/api/", "/hooks/")) for path in document["paths"])
    assert f"{PREFIX}/api/docs/json" in page.content.decode()
    assert json.loads(missing.content)["docs"] == f"{PREFIX}/api/docs"
    assert (missing.status_code, refused.status_code) == (404, 401)


def test_the_neighbours_are_not_answered_for(browser: Browser) -> None:
    for path in (f"{PREFIX}s/admin/", "/admin/", f"/x{PREFIX}/admin/"):
        with pytest.raises(LeftThePrefix):
            browser.get(path)


@pytest.mark.parametrize("header", ["SCRIPT_NAME", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_SCRIPT_NAME", "SCRIPT_URL"])
def test_no_request_says_what_the_prefix_is(browser: Browser, header: str) -> None:
    browser.defaults[header] = "/evil"

    response = browser.get(f"{PREFIX}/")

    assert response.headers["Location"] == f"{PREFIX}/admin/"


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", ""), ("/", ""), ("devinsync", "/devinsync"), ("/devinsync/", "/devinsync"), ("/a/b-c.d_e", "/a/b-c.d_e")],
)
def test_a_prefix_has_one_spelling(text: str, prefix: str) -> None:
    assert Environment({"PATH_PREFIX": text}).path("PATH_PREFIX", default="") == prefix


@pytest.mark.parametrize(
    "text", ["https://a/b", "/a//b", "/..", "/a/../b", "/a b", "/a?b", "/é", "/a%2fb", "/admin", "/api/x", "static"]
)
def test_what_is_no_prefix_stops_the_start(text: str) -> None:
    with pytest.raises(BadEnvironment, match="PATH_PREFIX is no path"):
        Environment({"PATH_PREFIX": text}).path("PATH_PREFIX", default="")


def test_without_one_nothing_changes(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/admin/"
    assert get_script_prefix() == "/"
