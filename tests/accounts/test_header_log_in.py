"""Logging in by a header of a reverse proxy: what it is worth from there, and nothing from elsewhere."""

import logging
import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from accounts import header_log_in
from accounts.models import Session
from audit.models import Action, Entry
from common.log_in_settings import require_whole
from tests.accounts.conftest import PASSWORD

PROXY, ELSEWHERE = "10.7.0.2", "10.8.0.2"
HOME = "/admin/"
GRAVE = "/admin/auth/user/add/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOGIN_HEADER, settings.LOGIN_PROXIES = "X-Remote-User", ["10.7.0.0/24", "::1"]
    monkeypatch.setattr(header_log_in, "_told", set())


def browser(name: str | None = None, *, peer: str = PROXY, **environ: Any) -> Client:
    client = Client(REMOTE_ADDR=peer, **environ)
    client.defaults |= {} if name is None else {"HTTP_X_REMOTE_USER": name}
    return client


def whose(client: Client, path: str = HOME) -> str:
    """Who is in, by what the page was given; "" for nobody."""
    response = client.get(path)
    return str(response.wsgi_request.user.get_username()) if response.status_code == 200 else ""


def last_line() -> tuple[str, str, str]:
    entry = Entry.objects.latest("pk")
    return entry.actor, entry.action, entry.detail


# Who gets in


def test_whom_the_proxy_names_is_in(alice: User) -> None:
    client = browser("alice")

    assert whose(client) == "alice"
    assert last_line() == ("alice", Action.LOGGED_IN, "By X-Remote-User of 10.7.0.2.")
    assert whose(client) == "alice"
    assert Session.objects.filter(user=alice).count() == 1


def test_the_page_that_was_wanted_is_led_to(alice: User) -> None:
    response = browser("alice").get("/admin/login/?next=/admin/sessions/")

    assert response.headers["Location"] == "/admin/sessions/"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example"])
def test_and_no_other_site(alice: User, wanted: str) -> None:
    assert browser("alice").get(f"/admin/login/?next={wanted}").headers["Location"] == HOME


@pytest.mark.parametrize("peer", [ELSEWHERE, "10.7.1.2", "127.0.0.1", "", "unix", "::ffff:10.8.0.2"])
def test_from_anywhere_else_the_header_is_nothing(alice: User, peer: str, caplog: pytest.LogCaptureFixture) -> None:
    client = browser(
        "alice", peer=peer, HTTP_X_FORWARDED_FOR=PROXY, HTTP_X_REAL_IP=PROXY, HTTP_FORWARDED=f"for={PROXY}"
    )

    with caplog.at_level(logging.WARNING, logger="accounts.header_log_in"):
        assert [whose(client), whose(client), whose(client)] == ["", "", ""]

    assert [record.getMessage() for record in caplog.records if record.name == "accounts.header_log_in"] == [
        f"X-Remote-User came from {peer}, which is not among LOGIN_PROXIES, and was ignored"
    ]
    assert not Session.objects.filter(user=alice).exists()


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_no_count_of_proxies_makes_a_peer_trusted(alice: User, settings: LazySettings, proxies: int) -> None:
    settings.TRUSTED_PROXIES = proxies

    assert whose(browser("alice", peer=ELSEWHERE, HTTP_X_FORWARDED_FOR=f"{PROXY}, {PROXY}")) == ""


@pytest.mark.parametrize("peer", ["::ffff:10.7.0.2", "::1"])
def test_a_peer_is_known_in_either_spelling(alice: User, peer: str) -> None:
    assert whose(browser("alice", peer=peer)) == "alice"


@pytest.mark.parametrize(
    "name",
    [
        "alice,root",
        "alice, alice",
        "root,alice",
        "al ice",
        "ａlice",
        "alice\x00",
        "alice;",
        "<b>",
        "a" * 151,
        ",",
        "identity-1",
        "Identity-1",
    ],
)
def test_two_names_and_what_is_none_are_refused(alice: User, name: str) -> None:
    User.objects.create_superuser("root")
    client = browser(name)

    assert whose(client) == ""
    assert "no name of one person" in client.get("/admin/login/").content.decode()
    assert not Session.objects.exclude(user=None).exists()


@pytest.mark.parametrize("name", ["Alice", "ALICE"])
def test_a_name_in_other_letters_is_another_name(alice: User, name: str) -> None:
    assert whose(browser(name)) == ""


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_may_not_log_in_is_refused(alice: User, change: dict[str, Any], settings: LazySettings) -> None:
    settings.LOGIN_CREATES_PEOPLE = True
    User.objects.update(**change)
    client = browser("alice")

    assert whose(client) == ""
    assert "this account may not log in" in client.get("/admin/login/").content.decode()
    assert last_line() == ("alice", Action.FAILED_LOG_IN, "By X-Remote-User: this account may not log in.")


def test_whose_account_is_disabled_is_out_at_once(alice: User) -> None:
    client = browser("alice")
    assert whose(client) == "alice"
    User.objects.update(is_active=False)

    assert whose(client) == ""


def test_an_unknown_person_is_refused_and_their_name_is_not_kept(db: None) -> None:
    client = browser("mallory")

    assert whose(client) == ""
    assert "nobody here has this name" in client.get("/admin/login/").content.decode()
    assert not User.objects.exists()
    assert "mallory" not in str(Entry.objects.values())


def test_or_made_without_a_right_and_without_a_password(settings: LazySettings) -> None:
    settings.LOGIN_CREATES_PEOPLE = True
    client = browser("bob")

    assert whose(client) == "bob"
    made = User.objects.get()
    assert (made.is_superuser, made.get_all_permissions(), made.groups.count()) == (False, set(), 0)
    assert not made.has_usable_password()
    assert client.get("/admin/vault/project/").status_code == 403
    assert client.get(GRAVE).status_code in (302, 403)
    assert Entry.objects.filter(actor="bob", action=Action.ADDED).exists()


# How long


def test_a_session_of_the_header_ends_without_it(alice: User) -> None:
    client = browser("alice")
    assert whose(client) == "alice"
    stolen = Client(REMOTE_ADDR=PROXY)
    stolen.cookies = client.cookies

    assert whose(stolen) == ""
    assert not Session.objects.filter(user=alice).exists()


def test_or_from_elsewhere(alice: User) -> None:
    client = browser("alice")
    assert whose(client) == "alice"
    stolen = browser("alice", peer=ELSEWHERE)
    stolen.cookies = client.cookies

    assert whose(stolen) == ""


def test_another_person_at_the_proxy_is_another_person_here(alice: User) -> None:
    User.objects.create_user("bob", is_staff=True)
    first = browser("alice")
    assert whose(first) == "alice"
    second = browser("bob")
    second.cookies = first.cookies

    assert whose(second) == "bob"
    assert not Session.objects.filter(user=alice).exists()


def test_whoever_logged_in_by_password_stays_where_the_proxy_names_nobody(alice: User) -> None:
    client = browser()
    client.post("/admin/login/", {"username": "alice", "password": PASSWORD})

    assert whose(client) == "alice"


def test_and_not_where_it_names_somebody_else(alice: User) -> None:
    User.objects.create_user("bob", is_staff=True)
    client = browser()
    client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    shared = browser("bob")
    shared.cookies = client.cookies

    assert whose(shared) == "bob"


def test_logging_out_leads_to_the_proxys_own_log_out(alice: User, settings: LazySettings) -> None:
    client = browser("alice")
    assert whose(client) == "alice"

    assert client.post("/admin/logout/").status_code == 200

    settings.LOGOUT_PATH = "/oauth2/sign_out"
    assert whose(client) == "alice"
    assert client.post("/admin/logout/").headers["Location"] == "/oauth2/sign_out"
    assert not Session.objects.filter(user=alice).exists()


def test_what_is_sent_without_a_session_is_not_done(alice: User) -> None:
    response = browser("alice").post("/admin/vault/project/add/", {"name": "One", "slug": "one"})

    assert response.headers["Location"].startswith("/admin/login/")


def test_the_api_knows_tokens_alone(alice: User) -> None:
    assert browser("alice").get("/api/v1/secret-syncs/devin").status_code == 401
    assert not Session.objects.exists()


# What is grave


def test_what_is_grave_asks_for_the_password_from_the_start(alice: User) -> None:
    client = browser("alice")
    assert whose(client) == "alice"

    asked = client.get(GRAVE)
    assert asked.headers["Location"] == "/admin/confirm-identity/?next=%2Fadmin%2Fauth%2Fuser%2Fadd%2F"

    client.post("/admin/confirm-identity/", {"password": PASSWORD, "next": GRAVE})
    assert client.get(GRAVE).status_code == 200


def test_whoever_has_none_is_told_what_to_do(alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    client = browser("alice")
    assert whose(client) == "alice"

    page = client.get("/admin/confirm-identity/").content.decode()

    assert "You have no password here" in page
    assert 'type="password"' not in page


def proved(seconds_ago: float | str) -> str:
    return seconds_ago if isinstance(seconds_ago, str) else str(int(time.time() - seconds_ago))


@pytest.mark.parametrize("ago", [5, -5])
def test_a_fresh_proof_to_the_proxy_is_one_here(alice: User, settings: LazySettings, ago: int) -> None:
    settings.LOGIN_TIME_HEADER = "X-Auth-Time"
    client = browser("alice", HTTP_X_AUTH_TIME=proved(ago))
    assert whose(client) == "alice"

    assert client.get(GRAVE).status_code == 200


@pytest.mark.parametrize("ago", [3600, 86400, -3600, "", "now", "-1", "9" * 13, "1e9", "1700000000, 9999999999"])
def test_an_old_one_and_what_is_no_time_is_none(alice: User, settings: LazySettings, ago: float | str) -> None:
    settings.LOGIN_TIME_HEADER = "X-Auth-Time"
    client = browser("alice", HTTP_X_AUTH_TIME=proved(ago))
    assert whose(client) == "alice"

    assert client.get(GRAVE).status_code == 302


def test_nor_is_one_beside_a_session_of_a_password(alice: User, settings: LazySettings) -> None:
    settings.LOGIN_TIME_HEADER = "X-Auth-Time"
    client = browser(HTTP_X_AUTH_TIME=proved(5))
    client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    session: Any = client.session
    session["confirmed_at"] = 0
    session.save()

    assert client.get(GRAVE).status_code == 302


def test_nor_one_from_elsewhere(alice: User, settings: LazySettings) -> None:
    settings.LOGIN_TIME_HEADER = "X-Auth-Time"
    client = browser("alice", peer=ELSEWHERE, HTTP_X_AUTH_TIME=proved(5))
    client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    session: Any = client.session
    session["confirmed_at"] = 0
    session.save()

    assert client.get(GRAVE).status_code == 302


# Smuggling, as the server that `manage.py serve` is reads it


def headers_of(*lines: bytes) -> dict[str, str]:
    parser = HTTPRequestParser(Adjustments())
    parser.received(b"\r\n".join([b"GET / HTTP/1.1", b"Host: devinsync", *lines, b"", b""]))
    return {} if parser.error else dict(parser.headers)


@pytest.mark.parametrize("line", [b"X_Remote_User: root", b"X-Remote_User: root", b"x_remote-user: root"])
def test_an_underscore_is_no_hyphen(line: bytes) -> None:
    assert headers_of(line, b"X-Remote-User: alice")["X_REMOTE_USER"] == "alice"
    assert "X_REMOTE_USER" not in headers_of(line)


@pytest.mark.parametrize("line", [b"X-Remote-User : root", b" X-Remote-User: root", b"X-Remote-User\t: root"])
def test_a_name_with_spaces_is_no_header(line: bytes) -> None:
    assert headers_of(b"Accept: */*", line).get("X_REMOTE_USER") is None


@pytest.mark.parametrize("name", [b"X-REMOTE-USER", b"x-remote-user", b"X-Remote-User"])
def test_a_second_one_makes_it_two_names(alice: User, name: bytes) -> None:
    said = headers_of(name + b": root", b"X-Remote-User: alice")["X_REMOTE_USER"]

    assert said == "root, alice"
    assert whose(browser(said)) == ""


# Settings


WHOLE: dict[str, Any] = {
    "header": "X-Remote-User",
    "time_header": "",
    "proxies": ["10.7.0.2", "fd12::/64"],
    "creates": False,
    "way_out": "",
}
NONE: dict[str, Any] = {"header": "", "time_header": "", "proxies": [], "creates": False, "way_out": ""}


@pytest.mark.parametrize(
    "whole",
    [NONE, WHOLE, WHOLE | {"header": "Remote-User", "time_header": "X-Auth-Time", "way_out": "/oauth2/sign_out?rd=/"}],
)
def test_what_belongs_together_starts(whole: dict[str, Any]) -> None:
    require_whole(**whole)


@pytest.mark.parametrize(
    ("half", "told"),
    [
        (WHOLE | {"proxies": []}, "anybody could say who they are"),
        (WHOLE | {"header": ""}, "LOGIN_HEADER is not set"),
        (NONE | {"creates": True}, "LOGIN_HEADER is not set"),
        (NONE | {"way_out": "/out"}, "LOGIN_HEADER is not set"),
        (NONE | {"time_header": "X-Auth-Time"}, "LOGIN_HEADER is not set"),
        *((WHOLE | {"header": each}, "no header of its own") for each in ("Cookie", "Host", "Authorization", "X_User")),
        *((WHOLE | {"header": each}, "no header of its own") for each in ("X-Forwarded-For", "User-Agent", "X User")),
        (WHOLE | {"time_header": "x-remote-user"}, "are the same"),
        *(
            (WHOLE | {"proxies": [each]}, "LOGIN_PROXIES has")
            for each in ("proxy.corp", "10.7.0.2/24", "0.0.0.0/0", "::/0")
        ),
        *((WHOLE | {"way_out": each}, "LOGOUT_PATH") for each in ("https://a/b", "//a/b", "out", "/a b")),
    ],
)
def test_what_does_not_stops_the_start(half: dict[str, Any], told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=told):
        require_whole(**half)


def test_without_it_no_header_logs_anybody_in(alice: User, settings: LazySettings) -> None:
    settings.LOGIN_HEADER = ""

    assert whose(browser("alice")) == ""
