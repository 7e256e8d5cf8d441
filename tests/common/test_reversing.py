"""Addresses of many rows."""

from uuid import uuid4

from django.urls import reverse, set_script_prefix

from common.reversing import address_of

NAME = "admin:vault_secret_page"


def test_is_what_the_resolver_answers() -> None:
    first, second = uuid4(), uuid4()

    assert address_of(NAME, first) == reverse(NAME, args=[first])
    assert address_of(NAME, second) == reverse(NAME, args=[second])


def test_below_another_prefix_it_is_another() -> None:
    pk = uuid4()
    plain = address_of(NAME, pk)
    set_script_prefix("/secrets/")
    try:
        assert address_of(NAME, pk) == f"/secrets{plain}"
    finally:
        set_script_prefix("/")
