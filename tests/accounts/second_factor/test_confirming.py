"""Before what is grave the second factor is asked for again, with the password."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Factor, RecoveryCode
from accounts.second_factor import factors
from tests.accounts.second_factor.conftest import Phone

pytestmark = pytest.mark.django_db
LogInFully = Callable[[], Client]
CONFIRM, GRAVE_PAGE = "/admin/confirm-identity/", "/admin/auth/user/add/"
PASSWORD = "correct-horse-7"


def grow_old(client: Client) -> Client:
    session: Any = client.session
    session["confirmed_at"] -= 11 * 60
    session.save()
    return client


def is_confirmed(client: Client) -> bool:
    return client.get(GRAVE_PAGE).status_code == 200


@pytest.mark.parametrize(
    ("form", "opens"),
    [
        ({"password": PASSWORD, "code": "right"}, True),
        ({"password": PASSWORD}, False),
        ({"password": PASSWORD, "code": "000000"}, False),
        ({"password": "wrong", "code": "right"}, False),
        ({"code": "right"}, False),
        ({"answer": "{}"}, False),
        ({"answer": "{}", "password": PASSWORD}, False),
    ],
)
def test_it_takes_both(phone: Phone, log_in_fully: LogInFully, form: dict[str, str], opens: bool) -> None:
    client = grow_old(log_in_fully())

    client.post(CONFIRM, {name: phone.code() if text == "right" else text for name, text in form.items()})

    assert is_confirmed(client) is opens


def test_a_wrong_password_uses_no_code_up(phone: Phone, log_in_fully: LogInFully) -> None:
    client = grow_old(log_in_fully())
    code = phone.code()

    client.post(CONFIRM, {"password": "wrong", "code": code})
    client.post(CONFIRM, {"password": PASSWORD, "code": code})

    assert is_confirmed(client)


def test_five_wrong_codes_end_the_session(phone: Phone, log_in_fully: LogInFully) -> None:
    client = log_in_fully()

    for _ in range(5):
        client.post(CONFIRM, {"password": PASSWORD, "code": "000000"})

    assert "_auth_user_id" not in client.session


def test_somebody_without_a_password_here_gives_a_code(alice: User, phone: Phone, log_in_fully: LogInFully) -> None:
    client = log_in_fully()
    alice.set_unusable_password()
    alice.save()
    client.force_login(alice)
    client.post("/admin/log-in/second-step/", {"code": phone.code()})
    grow_old(client)

    client.post(CONFIRM, {"code": phone.code()})

    assert is_confirmed(client)


def test_the_password_alone_is_not_enough_where_only_a_key_is_left(
    alice: User, phone: Phone, log_in_fully: LogInFully
) -> None:
    client = grow_old(log_in_fully())
    Factor.objects.update(kind=Factor.Kind.KEY, host="elsewhere.example", sealed_secret="")
    RecoveryCode.objects.all().delete()

    page = client.post(CONFIRM, {"password": PASSWORD}).content.decode()

    assert "was added at another address" in page
    assert not is_confirmed(client)


def test_setting_up_another_one_is_grave_too(phone: Phone, log_in_fully: LogInFully) -> None:
    client = grow_old(log_in_fully())
    factor = Factor.objects.get()

    for page in ("app/", "codes/", f"{factor.pk}/rename/", f"{factor.pk}/remove/"):
        assert client.get(f"/admin/second-factor/{page}")["Location"].startswith(CONFIRM)


def test_where_nothing_was_typed_it_is_asked_for_at_once(phone: Phone, log_in_fully: LogInFully) -> None:
    client = log_in_fully()
    factor = Factor.objects.get()
    addresses = ["/admin/second-factor/codes/", f"/admin/second-factor/{factor.pk}/remove/"]
    assert [client.get(address).status_code for address in addresses] == [200, 200]
    grow_old(client)

    answers = [client.post(address) for address in addresses]

    assert [answer["Location"].partition("?")[0] for answer in answers] == [CONFIRM, CONFIRM]
    assert factors.take_recovery_code(factor.user, phone.recovery[1])
