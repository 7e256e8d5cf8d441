"""A log-in is not finished until the second factor is given."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Factor, RecoveryCode, Session
from accounts.second_factor import factors, totp
from accounts.second_factor import log_in as two_steps
from audit.models import Action, Entry
from tests.accounts.second_factor.conftest import Phone
from tests.reverse_proxy import PREFIX, Browser, below_the_prefix

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
IsIn = Callable[[Client], bool]
STEP = "/admin/log-in/second-step/"


def test_the_password_alone_opens_nothing(alice: User, phone: Phone, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()

    assert not is_in(client)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert [session.user_id for session in Session.objects.all()] == [None]


def test_the_code_finishes_it_and_leads_on(alice: User, phone: Phone, is_in: IsIn) -> None:
    client = Client()
    form = {"username": "alice", "password": "correct-horse-7", "next": "/admin/sessions/"}

    first = client.post("/admin/login/", form)
    second = client.post(first["Location"], {"code": phone.code(), "next": "/admin/sessions/"})

    assert first["Location"] == f"{STEP}?next=%2Fadmin%2Fsessions%2F"
    assert second["Location"] == "/admin/sessions/"
    assert is_in(client)


def test_a_session_of_the_first_step_gets_another_key(alice: User, phone: Phone, log_in: LogIn) -> None:
    client = log_in()
    before = client.cookies["sessionid"].value

    client.post(STEP, {"code": phone.code()})

    assert client.cookies["sessionid"].value != before


def test_a_code_counts_once(alice: User, phone: Phone, log_in: LogIn, is_in: IsIn) -> None:
    code = phone.code()
    log_in().post(STEP, {"code": code})

    again = log_in()
    again.post(STEP, {"code": code})

    assert not is_in(again)


def test_the_code_that_set_it_up_counts_no_more(alice: User, phone: Phone, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()

    client.post(STEP, {"code": totp.code_at(phone.secret, totp.current_step())})

    assert not is_in(client)


@pytest.mark.parametrize("typed", [str.upper, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_a_recovery_code_lets_in_once(phone: Phone, log_in: LogIn, is_in: IsIn, typed: Callable[[str], str]) -> None:
    first, second = log_in(), log_in()

    first.post(STEP, {"code": typed(phone.recovery[3])})
    second.post(STEP, {"code": typed(phone.recovery[3])})

    assert is_in(first)
    assert not is_in(second)
    assert RecoveryCode.objects.count() == 9
    assert Entry.objects.filter(actor="alice", detail="Used a recovery code; 9 left.").count() == 1


def test_five_wrong_codes_start_it_again(phone: Phone, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()

    for _ in range(5):
        client.post(STEP, {"code": "000000"})
    client.post(STEP, {"code": phone.code()})

    assert not is_in(client)
    assert "Log in again" in client.get("/admin/login/").content.decode()


def test_a_wrong_code_is_in_the_audit_log_and_written_down_nowhere(phone: Phone, log_in: LogIn) -> None:
    log_in().post(STEP, {"code": "135790", "answer": ""})

    entry = Entry.objects.get(action=Action.FAILED_LOG_IN)
    assert (entry.actor, entry.detail) == ("alice", "The second factor was wrong.")
    assert "135790" not in AccessAttempt.objects.get().post_data


def test_guesses_lock_a_stranger_out_and_not_the_browser_that_is_known(
    phone: Phone, log_in: LogIn, log_in_fully: Callable[[], Client], is_in: IsIn
) -> None:
    own = log_in_fully()
    own.post("/admin/logout/")
    for _ in range(3):
        stranger = log_in()
        for _ in range(5):
            stranger.post(STEP, {"code": "000000"})

    late = log_in()
    late.post(STEP, {"code": phone.code()})
    log_in(client=own)
    own.post(STEP, {"code": phone.code()})

    assert not is_in(late)
    assert is_in(own)


def age(client: Client, seconds: int) -> None:
    session: Any = client.session
    session[two_steps.WAITING] = {**session[two_steps.WAITING], "at": session[two_steps.WAITING]["at"] - seconds}
    session.save()


def test_the_second_step_waits_ten_minutes(phone: Phone, log_in: LogIn, is_in: IsIn) -> None:
    client = log_in()
    age(client, two_steps.LONGEST)

    answer = client.post(STEP, {"code": phone.code()})

    assert answer["Location"] == "/admin/login/"
    assert not is_in(client)


@pytest.mark.parametrize("change", ["password", "is_active", "is_staff"])
def test_it_ends_as_its_account_changes(alice: User, phone: Phone, log_in: LogIn, is_in: IsIn, change: str) -> None:
    client = log_in()
    if change == "password":
        alice.set_password("quite-Another-pony-4")
    else:
        setattr(alice, change, False)
    alice.save()

    client.post(STEP, {"code": phone.code()})

    assert "_auth_user_id" not in client.session


def test_nobody_comes_in_by_the_second_step_alone(alice: User, phone: Phone) -> None:
    client = Client()

    assert client.post(STEP, {"code": phone.code()})["Location"] == "/admin/login/"
    assert "_auth_user_id" not in client.session


def test_the_code_of_another_person_is_wrong(
    alice: User, phone: Phone, give_phone: Callable[[User], Phone], log_in: LogIn, is_in: IsIn
) -> None:
    other = give_phone(User.objects.create_user("bob", password="correct-horse-8", is_staff=True))
    client = log_in()

    client.post(STEP, {"code": other.code()})
    client.post(STEP, {"code": other.recovery[0]})

    assert not is_in(client)


def test_without_a_factor_the_password_is_enough(alice: User, log_in: LogIn, is_in: IsIn) -> None:
    assert is_in(log_in())


def test_a_secret_that_was_moved_to_another_person_opens_nothing(
    alice: User, phone: Phone, give_phone: Callable[[User], Phone]
) -> None:
    bob = User.objects.create_user("bob", password="correct-horse-8", is_staff=True)
    give_phone(bob)
    mine, theirs = (Factor.objects.get(user=user) for user in (alice, bob))
    Factor.objects.filter(pk=mine.pk).update(sealed_secret=theirs.sealed_secret)

    with pytest.raises(Exception, match="does not belong here"):
        factors.take_app_code(alice, phone.code())


@pytest.fixture(params=[True, False], ids=["taken off", "passed on"])
def below(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[Browser]:
    yield from below_the_prefix(settings, strips=request.param)


def test_below_a_path_of_a_proxy_it_leads_on_inside(below: Browser, phone: Phone) -> None:
    form = {"username": "alice", "password": "correct-horse-7", "next": f"{PREFIX}/admin/sessions/"}

    step = below.post(f"{PREFIX}/admin/login/", form)["Location"]
    asked = below.get(step)
    went = below.post(step, {"code": phone.code(), "next": asked.context["next"]})

    assert step.startswith(f"{PREFIX}{STEP}?next=")
    assert went["Location"] == f"{PREFIX}/admin/sessions/"
