"""Signatures: of the very parts, under any of the keys, and never to be mistaken for a fingerprint."""

from collections.abc import Callable

import pytest

from encryption import EncryptionError, fingerprint, is_signed, sign

UseKeys = Callable[..., str]


def test_a_signature_is_32_bytes_and_holds_for_its_parts_only() -> None:
    signature = sign("note", "KEY")

    assert len(signature) == 32
    assert is_signed(signature, "note", "KEY")
    assert not any(
        is_signed(signature, *parts) for parts in (("note",), ("noteKEY",), ("note", "key"), ("KEY", "note"))
    )


@pytest.mark.parametrize("length", [8, 16, 31])
def test_the_start_of_a_signature_will_do(length: int) -> None:
    signature = sign("note", "KEY")

    assert is_signed(signature[:length], "note", "KEY")
    assert not is_signed(signature[1 : length + 1], "note", "KEY")
    assert not is_signed(signature + b"x", "note", "KEY")


def test_a_signature_holds_as_long_as_its_key_is_there(use_keys: UseKeys) -> None:
    use_keys("old")
    signature = sign("note")

    use_keys("new", "old")
    assert is_signed(signature, "note")
    assert sign("note") != signature

    use_keys("new")
    assert not is_signed(signature, "note")


def test_a_signature_is_no_fingerprint(use_keys: UseKeys) -> None:
    use_keys("only")

    assert fingerprint("note", "KEY").partition(":")[2] != sign("note", "KEY").hex()


def test_half_a_character_cannot_be_signed() -> None:
    with pytest.raises(
        EncryptionError, match=r"^The text has half a surrogate pair, which is no character\. Enter it again\.$"
    ):
        sign("note", "\ud800")
