"""Whoever has to have a second factor sets one up before anything else."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory

from accounts.checks import check_groups
from accounts.models import Factor
from accounts.second_factor import totp
from accounts.second_factor.required import must_set_up
from accounts.sessions import SessionStore
from tests.accounts.second_factor.conftest import Clock, Phone

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
OWN, STEP = "/admin/second-factor/", "/admin/log-in/second-step/"


@pytest.mark.parametrize(
    ("names", "leads"),
    [([], False), (["everyone"], True), (["Administrator"], True), (["Viewer"], False), (["Viewer", "everyone"], True)],
)
def test_it_goes_by_the_setting(
    alice: User, log_in: LogIn, settings: LazySettings, names: list[str], leads: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = names

    answer = log_in().get("/admin/auth/user/")

    assert answer.status_code == (302 if leads else 200)
    assert not leads or answer["Location"] == f"{OWN}?next=%2Fadmin%2Fauth%2Fuser%2F"


def test_a_superuser_counts_as_a_member_of_every_group(settings: LazySettings, log_in: LogIn) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["Viewer"]
    User.objects.create_superuser("root", password="correct-horse-8")

    assert log_in("root", "correct-horse-8").get("/admin/")["Location"].startswith(OWN)


def test_nothing_else_works_until_it_is_set_up(
    alice: User, clock: Clock, log_in: LogIn, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["everyone"]
    client = log_in()

    assert client.post("/admin/auth/group/add/", {"name": "Night watch"})["Location"].startswith(OWN)
    assert not Group.objects.filter(name="Night watch").exists()
    assert client.get("/admin/overview/", headers={"X-Requested-With": "XMLHttpRequest"}).status_code == 403
    assert "Set one up now" in client.get(OWN).content.decode()
    page = client.get(f"{OWN}app/?next=/admin/auth/user/")
    code = totp.code_at(page.context["secret"].replace(" ", ""), totp.current_step())
    form = {"kept": page.context["kept"], "name": "Phone", "code": code, "next": page.context["next"]}
    assert client.post(f"{OWN}app/", form).context["next"] == "/admin/auth/user/"
    assert client.get("/admin/auth/user/").status_code == 200


def test_the_last_one_is_not_removed(phone: Phone, log_in_fully: Callable[[], Client], settings: LazySettings) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["everyone"]
    client, address = log_in_fully(), f"{OWN}{Factor.objects.get().pk}/remove/"

    assert "Add another one, then remove this" in client.get(address).content.decode()
    assert client.post(address).status_code == 403
    assert Factor.objects.exists()


@pytest.fixture
def by_header(settings: LazySettings) -> Callable[[], Client]:
    settings.LOGIN_HEADER, settings.LOGIN_PROXIES = "X-Remote-User", ["127.0.0.1"]
    return lambda: Client(headers={"X-Remote-User": "alice"})


def test_who_is_logged_in_by_a_proxy_is_not_asked(
    alice: User, phone: Phone, by_header: Callable[[], Client], settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["everyone"]
    assert by_header().get("/admin/").status_code == 200
    Factor.objects.all().delete()
    assert by_header().get("/admin/").status_code == 200


def test_a_setting_says_otherwise(
    alice: User, phone: Phone, by_header: Callable[[], Client], settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_FOR_PROVIDERS = True
    client = by_header()

    assert client.get("/admin/auth/user/")["Location"] == f"{STEP}?next=%2Fadmin%2Fauth%2Fuser%2F"
    client.post(STEP, {"code": "000000"})
    assert client.get("/admin/auth/user/").status_code == 302
    client.post(STEP, {"code": phone.code()})
    assert client.get("/admin/auth/user/").status_code == 200


def test_somebody_without_a_password_can_set_up_what_they_have_to(
    alice: User, by_header: Callable[[], Client], settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_FOR_PROVIDERS, settings.SECOND_FACTOR_REQUIRED = True, ["everyone"]
    alice.set_unusable_password()
    alice.save()
    client = by_header()

    assert client.get("/admin/")["Location"].startswith(OWN)
    assert client.get(f"{OWN}app/").status_code == 200


def test_who_is_logged_in_by_single_sign_on_is_not_asked(rf: RequestFactory, settings: LazySettings) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["everyone"]
    request = rf.get("/admin/")
    request.user = User.objects.create_user("bob", is_staff=True)
    request.session = SessionStore()
    request.session[BACKEND_SESSION_KEY] = "single_sign_on.backends.ProviderBackend"

    assert not must_set_up(request)
    settings.SECOND_FACTOR_FOR_PROVIDERS = True
    assert must_set_up(request)


@pytest.mark.parametrize(
    ("names", "told"),
    [([], []), (["everyone", "Viewer"], []), (["Administrators", "Viewer", "editor"], ["Administrators", "editor"])],
)
def test_a_name_that_is_no_group_is_told(settings: LazySettings, names: list[str], told: list[str]) -> None:
    settings.SECOND_FACTOR_REQUIRED = names

    messages = check_groups(databases=["default"])

    assert [message.msg.split("“")[1].split("”")[0] for message in messages] == told
    assert check_groups(databases=None) == []
