"""What can be said of security keys without a browser."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from accounts.models import Factor
from accounts.second_factor import factors, keys

KEY = "/admin/second-factor/key/"


@pytest.mark.parametrize(
    ("host", "is_secure", "name", "can"),
    [
        ("vault.example", True, "vault.example", True),
        ("Vault.example:8443", True, "vault.example", True),
        ("vault.example", False, "vault.example", False),
        ("localhost:8000", False, "localhost", True),
        ("127.0.0.1:8000", False, "127.0.0.1", False),
        ("10.0.0.7", True, "10.0.0.7", False),
        ("[::1]:8000", True, "[::1]", False),
    ],
)
def test_the_site_goes_by_its_name_without_the_port(
    settings: LazySettings, host: str, is_secure: bool, name: str, can: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    request = RequestFactory().get("/devinsync/admin/", headers={"Host": host}, secure=is_secure)

    assert (keys.host_of(request), keys.can_be_used(request)) == (name, can)


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["", "{}", "[]", "nonsense", "null", '{"id": 1}', '{"response": {}}', "9" * 30_000])
def test_what_is_no_answer_adds_nothing(alice: User, log_in: Callable[..., Client], answer: str) -> None:
    client = log_in()
    local = {"Host": "localhost"}
    client.get(KEY, headers=local)

    page = client.post(KEY, {"name": "Key", "answer": answer}, headers=local)

    assert "could not be added" in page.content.decode()
    assert not factors.has_any(alice)


@pytest.mark.django_db
def test_a_key_of_another_host_is_not_asked_for(alice: User, log_in: Callable[..., Client]) -> None:
    factors.add(alice, Factor(kind=Factor.Kind.KEY, name="Key", host="elsewhere.example", credential="AA"))
    client = log_in()

    page = client.get("/admin/log-in/second-step/").content.decode()

    assert "Use a security key" not in page
    assert "one of your recovery codes" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "now", "counts"), [(0, 0, True), (0, 1, True), (4, 5, True), (5, 5, False), (5, 0, False)]
)
def test_a_key_that_counts_has_to_go_on(alice: User, before: int, now: int, counts: bool) -> None:
    factors.add(alice, Factor(kind=Factor.Kind.KEY, name="Key", counter=before))

    assert factors.take_key(Factor.objects.get(), now) is counts
