"""What an earlier release wrote into the database still opens and still compares: the formats are promises."""

import pytest
from pytest_django import Settings

from encryption import DecryptionError, fingerprint, is_signed, key_id_of, seal, sign, unseal

KEY = "YS1rZXktb2YtYW4tZWFybGllci1yZWxlYXNlLTMyYnk="
TOKEN = "ds1.e05e4a3f.sblBmr0R2oiB4uoKW0rmkD1FAtU7XNSIUjX6qgjsppMZBAMo7DJJebf0oyAc"
SIGNATURE = bytes.fromhex("920d0c0abe83717c7c0b09db525e286a91f8b67a92b941ae5a735746d8293f70")
FINGERPRINT = "e05e4a3f:983857f6af87aa05e2d9afff0b614bc4cf6d27026fca988c5a4a5e51823f242d"


@pytest.fixture(autouse=True)
def _its_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [KEY]


def test_opens_what_was_sealed_then() -> None:
    assert unseal(TOKEN, context="row 1") == "canary-of-a-value"
    assert key_id_of(TOKEN) == "e05e4a3f"


def test_seals_in_the_same_form() -> None:
    assert len(seal("canary-of-a-value", context="row 1")) == len(TOKEN)
    assert unseal(seal("", context=""), context="") == ""


def test_compares_with_what_was_fingerprinted_then() -> None:
    assert fingerprint("sync", "KEY", "v") == FINGERPRINT
    assert fingerprint("sync", "KEY", "v", key_id="e05e4a3f") == FINGERPRINT
    assert fingerprint("sync", "KEYv", "") != FINGERPRINT
    assert key_id_of(FINGERPRINT) == "e05e4a3f"


def test_signs_as_it_did_then() -> None:
    assert sign("sync", "KEY") == SIGNATURE
    assert is_signed(SIGNATURE[:8], "sync", "KEY")


@pytest.mark.parametrize("character", ["!", " ", "\n", "/", "+"])
def test_a_sign_that_no_token_has_is_not_skipped(character: str) -> None:
    with pytest.raises(DecryptionError, match="not sealed data"):
        unseal(TOKEN[:30] + character + TOKEN[30:], context="row 1")


def test_a_token_of_a_later_form_asks_for_the_release_that_made_it() -> None:
    with pytest.raises(DecryptionError) as raised:
        unseal(TOKEN.replace("ds1.", "ds2.", 1), context="row 1")

    assert str(raised.value) == "Sealed by a newer version of DevinSync. Run that version again."


@pytest.mark.parametrize(
    ("text", "key_id"), [("ds1.a.b.c", "a"), ("ds1.", ""), ("plain", ""), ("ds2.a.b", ""), ("a:b:c", "a")]
)
def test_names_the_key_of_whatever_it_is_given(text: str, key_id: str) -> None:
    assert key_id_of(text) == key_id
