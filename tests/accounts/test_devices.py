"""Guessers are stopped at the account and at the address; who has logged in here before is not locked out by them."""

from collections.abc import Callable, Iterable

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.test import Client

from accounts.devices import COOKIE
from accounts.login_names import counted_name
from accounts.models import Device
from audit.models import Entry

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
IsIn = Callable[[Client], bool]
NOBODY = {"username": "canary-Hunter2"}
ADDRESSES = [f"127.0.1.{count}" for count in range(20)]


def guess(log_in: LogIn, names: Iterable[str], addresses: Iterable[str]) -> None:
    for name, address in zip(names, addresses, strict=True):
        log_in(name, "wrong", REMOTE_ADDR=address)


def test_guessing_one_account_from_many_addresses_locks_it(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    guess(log_in, ["alice"] * 10, ADDRESSES[:10])

    assert not is_in(log_in(REMOTE_ADDR="127.0.2.1"))


def test_guessing_many_accounts_from_one_address_locks_it(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    guess(log_in, [f"user-{count}" for count in range(10)], ["127.0.1.1"] * 10)

    assert not is_in(log_in(REMOTE_ADDR="127.0.1.1"))
    assert is_in(log_in(REMOTE_ADDR="127.0.1.2"))


def test_a_browser_that_was_here_before_gets_in_all_the_same(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()
    client.post("/admin/logout/")
    guess(log_in, ["alice"] * 10, ADDRESSES[:10])
    guess(log_in, [f"user-{count}" for count in range(10)], ["127.0.0.1"] * 10)

    assert is_in(log_in(client=client))


def test_a_known_browser_that_guesses_is_a_stranger_again(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()
    client.post("/admin/logout/")

    for count in range(25):
        log_in(password=f"wrong-{count}", client=client)

    assert not is_in(log_in(client=client))


def test_a_known_browser_is_known_for_its_own_account_only(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    User.objects.create_user("bob", password="correct-horse-8", is_staff=True)
    client = log_in("bob", "correct-horse-8")
    client.post("/admin/logout/")
    guess(log_in, ["alice"] * 10, ADDRESSES[:10])

    assert not is_in(log_in(client=client))


def test_the_database_holds_no_cookie(alice: User, log_in: LogIn) -> None:
    cookie = log_in().cookies[COOKIE]

    assert Device.objects.get(user=alice).digest != cookie.value
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_each_log_in_gives_a_new_cookie_for_the_old(alice: User, log_in: LogIn) -> None:
    client = log_in()
    first = client.cookies[COOKIE].value

    log_in(client=client)

    assert client.cookies[COOKIE].value != first
    assert Device.objects.filter(user=alice).count() == 1


def test_a_name_that_nobody_has_is_kept_nowhere(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    """People type their password there. It counts all the same: ten from anywhere lock it."""
    guess(log_in, ["canary-Hunter2"] * 10, ADDRESSES[:10])
    guess(log_in, ["alice"], ["127.0.1.1"])

    rows = [str(row) for model in (AccessAttempt, AccessLog, AccessFailureLog, Entry) for row in model.objects.values()]
    assert rows
    assert not [row for row in rows if "canary-Hunter2" in row]
    assert {row.username for row in AccessAttempt.objects.exclude(username="alice")} == {counted_name(None, NOBODY)}
    assert not is_in(log_in("canary-Hunter2", REMOTE_ADDR="127.0.3.1"))


def test_a_command_without_a_name_counts_under_none() -> None:
    assert counted_name(None, {}) is None
