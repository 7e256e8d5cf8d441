"""Sealing, unsealing and fingerprints."""

import base64
import re
import traceback
from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from encryption import DecryptionError, EncryptionError, current_key_id, fingerprint, key_id_of, seal, unseal
from encryption.keyring import current_keyring, generate_key

CANARY = "canary-of-a-value"
UseKeys = Callable[..., str]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_opens_in_its_own_place(plaintext: str, context: str) -> None:
    assert unseal(seal(plaintext, context=context), context=context) == plaintext


def test_a_token_names_its_key_and_nothing_else() -> None:
    token = seal(CANARY, context="row 1")

    assert re.fullmatch(r"ds1\.[0-9a-f]{8}\.[A-Za-z0-9_=-]+", token)
    assert key_id_of(token) == current_key_id()
    assert token != seal(CANARY, context="row 1")


def test_does_not_open_in_another_place() -> None:
    token = seal(CANARY, context="row 1")

    with pytest.raises(DecryptionError, match="does not belong here or was altered"):
        unseal(token, context="row 2")


def test_no_altered_byte_opens() -> None:
    version, key_id, encoded = seal(CANARY, context="row 1").split(".")
    payload = base64.urlsafe_b64decode(encoded)
    for position in range(len(payload)):
        altered = bytearray(payload)
        altered[position] ^= 1
        token = f"{version}.{key_id}.{base64.urlsafe_b64encode(bytes(altered)).decode()}"
        with pytest.raises(DecryptionError):
            unseal(token, context="row 1")


def test_no_shortened_token_opens() -> None:
    token = seal(CANARY, context="row 1")
    for length in range(len(token)):
        with pytest.raises(DecryptionError):
            unseal(token[:length], context="row 1")


@pytest.mark.parametrize("token", ["", "plain text", "ds1.x.y.z", "ds9.b1f13128.AAAA", "ds1.b1f13128.é", "ds1..", "\0"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(DecryptionError):
        unseal(token, context="row 1")


def test_a_token_relabelled_to_another_key_does_not_open(use_keys: UseKeys) -> None:
    old = use_keys("old")
    token = seal(CANARY, context="row 1")
    new = use_keys("new", "old")

    with pytest.raises(DecryptionError):
        unseal(token.replace(old, new), context="row 1")


def test_an_older_key_still_opens_what_it_sealed(use_keys: UseKeys) -> None:
    use_keys("old")
    token = seal(CANARY, context="row 1")
    new = use_keys("new", "old")

    assert unseal(token, context="row 1") == CANARY
    assert key_id_of(seal(CANARY, context="row 1")) == new


def test_a_missing_key_is_named(use_keys: UseKeys) -> None:
    old = use_keys("old")
    token = seal(CANARY, context="row 1")
    use_keys("new")

    with pytest.raises(DecryptionError, match=f"encryption key {old}, which ENCRYPTION_KEYS lacks"):
        unseal(token, context="row 1")


def test_no_error_and_no_repr_tells_plaintext_or_key(use_keys: UseKeys, settings: Settings) -> None:
    use_keys("old")
    shown = [repr(current_keyring())]
    wrongs: list[Callable[[], str]] = [
        lambda: unseal(seal(CANARY, context="row 1"), context="row 2"),
        lambda: seal(f"{CANARY}\ud800", context="row 1"),
        lambda: fingerprint(f"{CANARY}\ud800"),
        lambda: unseal(CANARY, context="row 1"),
    ]
    for wrong in wrongs:
        with pytest.raises(EncryptionError) as caught:
            wrong()
        shown.append("".join(traceback.format_exception(caught.value)))

    assert CANARY not in "".join(shown)
    assert settings.ENCRYPTION_KEYS[0] not in "".join(shown)


# Fingerprints


def test_a_fingerprint_is_equal_for_equal_parts_only() -> None:
    assert fingerprint("sync", "KEY", "value") == fingerprint("sync", "KEY", "value")
    different = {fingerprint(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ())}
    assert len(different) == 6


def test_a_fingerprint_is_compared_under_the_key_that_made_it(use_keys: UseKeys) -> None:
    old = use_keys("old")
    recorded = fingerprint("value")
    new = use_keys("new", "old")

    assert fingerprint("value", key_id=key_id_of(recorded)) == recorded
    assert key_id_of(recorded) == old
    assert key_id_of(fingerprint("value")) == new


def test_a_fingerprint_of_a_lost_key_cannot_be_compared(use_keys: UseKeys) -> None:
    use_keys("old")
    recorded = fingerprint("value")
    new = use_keys("new")

    again = fingerprint("value", key_id=key_id_of(recorded))

    assert again != recorded
    assert key_id_of(again) == new


def test_a_fingerprint_differs_from_key_to_key(use_keys: UseKeys) -> None:
    use_keys("old")
    one = fingerprint("value").partition(":")[2]
    use_keys("new")

    assert fingerprint("value").partition(":")[2] != one


def test_what_is_neither_token_nor_fingerprint_has_no_key_id() -> None:
    assert key_id_of("") == key_id_of("plain") == ""


# Keys


def test_a_generated_key_is_usable(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [generate_key()]

    assert unseal(seal("text", context="row"), context="row") == "text"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([], "ENCRYPTION_KEYS is empty"),
        (["canary"], "Key 1 of ENCRYPTION_KEYS is not 32 bytes in base64"),
        ([base64.b64encode(b"k" * 32).decode(), "canary!"], "Key 2 of ENCRYPTION_KEYS is not"),
        ([base64.b64encode(b"k" * 16).decode()], "Key 1 of ENCRYPTION_KEYS is not"),
        ([" " + base64.b64encode(b"k" * 32).decode()], "Key 1 of ENCRYPTION_KEYS is not"),
        (["canary"], r"base64\. Make one with `manage\.py generate_encryption_key`\.$"),
        ([base64.b64encode(b"k" * 32).decode()] * 2, "twice"),
    ],
)
def test_a_wrong_key_is_named_by_its_place_never_shown(settings: Settings, keys: list[str], says: str) -> None:
    settings.ENCRYPTION_KEYS = keys

    with pytest.raises(ImproperlyConfigured, match=says) as caught:
        current_key_id()

    assert "canary" not in str(caught.value)
