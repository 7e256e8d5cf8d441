"""What the session table holds opens no session, and a person can see and end their own."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Session
from accounts.sessions import SessionStore, digest_of

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
IsIn = Callable[[Client], bool]


def test_the_cookie_opens_the_session_and_the_row_does_not(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()
    stolen = Client()
    stolen.cookies["sessionid"] = Session.objects.get(user=alice).session_key

    assert is_in(client)
    assert not is_in(stolen)


def test_the_key_of_the_cookie_is_nowhere_in_the_row(alice: User, log_in: LogIn) -> None:
    key = log_in().cookies["sessionid"].value

    row = Session.objects.get(user=alice)

    assert key not in (row.session_key, row.session_data)
    assert row.session_key == digest_of(key)


def test_a_session_is_saved_found_and_deleted_by_its_key() -> None:
    store = SessionStore()
    store["colour"] = "blue"
    store.create()
    key = store.session_key or ""

    assert SessionStore(key)["colour"] == "blue"
    assert store.exists(key)
    store["colour"] = "red"
    store.save()
    assert SessionStore(key)["colour"] == "red"
    assert Session.objects.count() == 1
    SessionStore(key).delete()
    assert not store.exists(key)


def test_an_unknown_key_is_not_adopted() -> None:
    store = SessionStore("a" * 32)

    assert store.get("colour") is None
    assert store.session_key is None


def test_a_log_in_changes_the_key(alice: User, log_in: LogIn) -> None:
    client = Client()
    before = client.session.session_key

    log_in(client=client)

    assert before
    assert client.cookies["sessionid"].value != before


def test_the_page_lists_where_one_is_logged_in(alice: User, log_in: LogIn) -> None:
    log_in(HTTP_USER_AGENT="Other browser", REMOTE_ADDR="127.0.0.9")
    client = log_in(HTTP_USER_AGENT="This browser")

    page = client.get("/admin/sessions/").content.decode()

    assert "Other browser" in page
    assert "127.0.0.9" in page
    assert "This one" in page
    assert client.cookies["sessionid"].value not in page


def test_all_others_are_ended_at_once(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    others, client = [log_in(), log_in()], log_in()

    client.post("/admin/sessions/", {"which": "others"})

    assert is_in(client)
    assert not any(is_in(other) for other in others)


def test_nobody_ends_another_persons_session(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    User.objects.create_user("bob", password="correct-horse-8", is_staff=True)
    bob = log_in("bob", "correct-horse-8")
    client = log_in()

    client.post("/admin/sessions/", {"which": Session.objects.get(user__username="bob").session_key})

    assert is_in(bob)


def test_a_new_password_ends_all_other_sessions(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    other, client = log_in(), log_in()
    form = {"old_password": "correct-horse-7", "new_password1": "quite-Another-pony-4", "new_password2": ""}
    form["new_password2"] = form["new_password1"]

    client.post("/admin/password_change/", form)

    assert is_in(client)
    assert not is_in(other)


def test_disabling_somebody_ends_their_sessions(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()

    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert not is_in(client)
