"""A session ends when its person is away, and at the end of a day."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]


def set_back(client: Client, **seconds: float) -> None:
    session: Any = client.session
    for clock, count in seconds.items():
        session[clock] -= count
    session.save()


@pytest.mark.parametrize(
    ("back", "is_over"),
    [
        pytest.param({"seen_at": 29 * 60}, False, id="away for 29 minutes"),
        pytest.param({"seen_at": 31 * 60}, True, id="away for 31 minutes"),
        pytest.param({"signed_in_at": 12 * 3600 - 60}, False, id="in for almost 12 hours"),
        pytest.param({"signed_in_at": 12 * 3600 + 60}, True, id="in for more than 12 hours, never away"),
    ],
)
def test_how_long_it_lives(alice: User, log_in: LogIn, back: dict[str, float], is_over: bool) -> None:
    client = log_in()
    set_back(client, **back)

    response = client.get("/admin/sessions/")

    assert (response.status_code == 302) is is_over
    assert ("next=%2Fadmin%2Fsessions%2F" in response.get("Location", "")) is is_over


def test_a_page_that_refreshes_itself_is_no_sign_of_a_person(alice: User, log_in: LogIn) -> None:
    client = log_in()
    set_back(client, seen_at=20 * 60)
    client.get("/admin/overview/", headers={"X-Requested-With": "XMLHttpRequest"})
    set_back(client, seen_at=11 * 60)

    assert client.get("/admin/overview/", headers={"X-Requested-With": "XMLHttpRequest"}).status_code == 403
    assert client.get("/admin/sessions/").status_code == 302


def test_using_a_page_is_one(alice: User, log_in: LogIn) -> None:
    client = log_in()
    set_back(client, seen_at=20 * 60)
    client.get("/admin/sessions/")
    set_back(client, seen_at=20 * 60)

    assert client.get("/admin/sessions/").status_code == 200


def test_the_log_in_page_says_why(alice: User, log_in: LogIn) -> None:
    client = log_in()
    set_back(client, seen_at=31 * 60)

    page = client.get("/admin/sessions/", follow=True).content.decode()

    assert "You were away for more than 30 minutes. Log in again to go on." in page
