"""Whoever begins log-ins without end, or makes them fail, fills nothing; whoever was here before gets in."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import ERROR
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.models import Device, Session
from audit import floods
from audit.models import Action, Entry
from single_sign_on.asked import COOKIE, KEPT
from tests.single_sign_on.conftest import BEGIN, CALLBACK, Person

pytestmark = pytest.mark.django_db


def test_whoever_only_begins_leaves_no_row(person: Person) -> None:
    for _ in range(3):
        assert person.client.get(BEGIN).headers["Location"].startswith(person.issuer)

    assert not Session.objects.exists()
    assert not Entry.objects.exists()
    cookie = person.client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", KEPT)


def test_a_flood_of_answers_that_count_for_nothing(person: Person) -> None:
    answers = [Client().get(f"{CALLBACK}?state=x&code=y") for _ in range(floods.TOLD + 3)]

    assert [answer.status_code for answer in answers] == [302] * floods.TOLD + [429] * 3
    assert Entry.objects.filter(action=Action.FAILED_LOG_IN).count() == Entry.objects.count() == floods.TOLD + 1
    assert not Session.objects.exists()
    assert 0 < int(answers[-1].headers["Retry-After"]) <= floods.WINDOW
    assert "Too many log-ins have failed from your address" in answers[-1].text
    assert [Client().get(address).status_code for address in (BEGIN, CALLBACK, f"{BEGIN}log-out/")] == [429] * 3
    assert Client(REMOTE_ADDR="203.0.113.9").get(BEGIN).status_code == 302


def test_a_browser_that_was_here_before_gets_in_through_a_flood(person: Person) -> None:
    person.logs_in()
    person.client.post("/admin/logout/")
    for _ in range(floods.TOLD + 1):
        floods.count("127.0.0.1")

    person.logs_in()
    assert person.is_in()
    person.client.post("/admin/logout/")
    Device.objects.update(seen_at=Device.objects.get().seen_at - timedelta(days=200))
    assert person.client.get(BEGIN).status_code == 429


def test_of_much_that_was_asked_the_last_counts(person: Person) -> None:
    page = f"/admin/sessions/?q={'%F0%9F%A6%8A' * 45}"
    for _ in range(12):
        address = person.goes(f"{BEGIN}?next={page.replace('%', '%25')}")
        assert len(person.client.cookies[COOKIE].value) < 3600

    assert person.client.get(address).headers["Location"] == page
    longer = f"/admin/sessions/?q={'x' * 600}"
    assert person.client.get(person.goes(f"{BEGIN}?next={longer}")).headers["Location"] == "/admin/"


def test_nobody_gets_a_session_by_what_they_are_told(rf: RequestFactory, client: Client) -> None:
    full: Any = CookieStorage(rf.get("/"))
    response = HttpResponse()
    full._store([Message(ERROR, f"{number} {'x' * 100}") for number in range(40)], response)
    client.cookies.update(response.cookies)

    for _ in range(3):
        assert client.get(CALLBACK.replace("acme", "none")).status_code == 404
        assert client.get("/admin/log-in/second-step/").status_code == 302

    assert not Session.objects.exists()
