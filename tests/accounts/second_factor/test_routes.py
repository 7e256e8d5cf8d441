"""Each route of the second factor, and who is let in: everybody to their own, administrators to that of others."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import Factor, RecoveryCode
from accounts.second_factor import factors
from tests.accounts.second_factor.conftest import Phone

pytestmark = pytest.mark.django_db
OWN = ("", "_app", "_key", "_codes", "_rename", "_remove")
OTHERS = "auth_user_reset_second_factor"
STEP = "log_in_second_factor"


def test_every_route_is_in_the_table() -> None:
    admin_urls = next(pattern for pattern in get_resolver().url_patterns if "admin/" in str(pattern.pattern))
    names = {name for name in admin_urls.reverse_dict if isinstance(name, str) and "second_factor" in name}  # type: ignore[union-attr]

    assert names == {*(f"second_factor{name}" for name in OWN), OTHERS, STEP}


def client_of(role: str) -> Client:
    client = Client(headers={"Host": "localhost"})
    if role != "anonymous":
        user = User.objects.create_user(role, is_staff=role != "nobody", is_superuser=role == "superuser")
        user.groups.set(Group.objects.filter(name=role.capitalize()))
        client.force_login(user)
        factors.add(user, Factor(kind=Factor.Kind.APP, name="Phone"))
        session = client.session
        session.pop("second_factor_owed", None)
        session.save()
    return client


def address_of(name: str, factor: Factor) -> str:
    return reverse(f"admin:second_factor{name}", args=[factor.pk] if name in ("_rename", "_remove") else [])


@pytest.mark.parametrize(
    "role", ["anonymous", "nobody", "staff", "viewer", "operator", "editor", "administrator", "superuser"]
)
def test_lets_in_whom_it_should(alice: User, phone: Phone, role: str) -> None:
    client = client_of(role)
    is_in = role not in ("anonymous", "nobody")
    own = Factor.objects.exclude(user=alice).first() or Factor.objects.get()

    for name in OWN:
        answer = client.get(address_of(name, own))
        assert (answer.status_code == 200) is is_in, name
        assert is_in or "/login/" in answer["Location"], name
    answer = client.get(reverse(f"admin:{OTHERS}", args=[alice.pk]))
    assert answer.status_code == (302 if not is_in else 200 if role in ("administrator", "superuser") else 403)
    assert client.get(reverse(f"admin:{STEP}")).status_code == 302


def test_a_get_changes_nothing_and_a_post_takes_a_token(alice: User, phone: Phone) -> None:
    client = client_of("superuser")
    own = Factor.objects.exclude(user=alice).get()
    strict = Client(enforce_csrf_checks=True, headers={"Host": "localhost"})
    strict.cookies = client.cookies
    addresses = [reverse(f"admin:{OTHERS}", args=[alice.pk]), reverse(f"admin:{STEP}")]
    addresses += [address_of(name, own) for name in OWN]

    def state() -> list[object]:
        return [*Factor.objects.order_by("pk").values(), *RecoveryCode.objects.order_by("pk").values()]

    before = state()
    for address in addresses:
        client.get(address)
        assert strict.post(address).status_code == 403, address
    assert state() == before
