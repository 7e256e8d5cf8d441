"""Whoever lost their second factor is helped by an administrator, or by whoever has the machine."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Factor, RecoveryCode
from audit.models import Entry
from tests.accounts.second_factor.conftest import Phone

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
RESET = "Reset the second factor: 1 removed, with the recovery codes."


@pytest.fixture
def bob(give_phone: Callable[[User], Phone]) -> User:
    bob = User.objects.create_user("bob", password="correct-horse-8", is_staff=True)
    give_phone(bob)
    return bob


def test_an_administrator_resets_it(alice: User, bob: User, log_in: LogIn) -> None:
    client, address = log_in(), f"/admin/auth/user/{bob.pk}/second-factor/"
    theirs = Client()
    theirs.force_login(bob)
    assert address in client.get(f"/admin/auth/user/{bob.pk}/change/").content.decode()

    asked = client.get(address).content.decode()
    assert Factor.objects.filter(user=bob).exists()
    client.post(address)

    assert "Authenticator app “Phone”" in asked
    assert not Factor.objects.filter(user=bob).exists()
    assert not RecoveryCode.objects.filter(user=bob).exists()
    assert "_auth_user_id" not in theirs.session
    entry = Entry.objects.get(detail=RESET)
    assert (entry.actor, entry.name) == ("alice", "bob")


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Editor"])
def test_nobody_else_does(bob: User, log_in: LogIn, group: str) -> None:
    carol = User.objects.create_user("carol", password="correct-horse-9", is_staff=True)
    carol.groups.set(Group.objects.filter(name=group))

    assert log_in("carol", "correct-horse-9").post(f"/admin/auth/user/{bob.pk}/second-factor/").status_code == 403
    assert Factor.objects.filter(user=bob).exists()


def test_not_that_of_somebody_who_may_do_more(alice: User, bob: User, log_in: LogIn) -> None:
    User.objects.filter(pk=bob.pk).update(is_superuser=True)

    assert log_in().post(f"/admin/auth/user/{bob.pk}/second-factor/").status_code == 403
    assert Factor.objects.filter(user=bob).exists()


def test_ones_own_is_not_got_around_by_it(alice: User, phone: Phone, log_in_fully: Callable[[], Client]) -> None:
    answer = log_in_fully().post(f"/admin/auth/user/{alice.pk}/second-factor/")

    assert answer["Location"] == "/admin/second-factor/"
    assert Factor.objects.filter(user=alice).exists()


def test_the_command_resets_it(bob: User) -> None:
    out = StringIO()

    call_command("reset_second_factor", "bob", stdout=out)

    assert out.getvalue() == "bob: 1 removed, with the recovery codes. Their sessions ended.\n"
    assert not Factor.objects.exists()
    assert Entry.objects.get().detail == RESET.replace(":", " by manage.py:")


def test_the_command_names_whom_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="There is no user “nobody”"):
        call_command("reset_second_factor", "nobody")


def test_the_list_of_people_tells_who_has_one(alice: User, bob: User, log_in: LogIn) -> None:
    client = log_in()

    def shown(query: str) -> set[str]:
        return {user.get_username() for user in client.get(f"/admin/auth/user/{query}").context["cl"].result_list}

    assert shown("") == {"alice", "bob"}
    assert shown("?second_factor=yes") == {"bob"}
    assert shown("?second_factor=no") == {"alice"}
