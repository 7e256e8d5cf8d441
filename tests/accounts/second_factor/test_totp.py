"""The codes of an app, by the test vectors of RFC 6238, appendix B (of its eight digits the last six)."""

from base64 import b32encode

import pytest

from accounts.second_factor import totp
from tests.accounts.second_factor.conftest import Clock

SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_a_code_is_that_of_the_standard(clock: Clock, at: int, code: str) -> None:
    clock.now = at

    assert totp.code_at(SECRET, totp.current_step()) == code


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_wrong_by_half_a_minute(clock: Clock, steps: int, counts: bool) -> None:
    code = totp.code_at(SECRET, totp.current_step() + steps)

    assert (totp.matching_step(SECRET, code) is not None) is counts


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\0", "0" * 1000])
def test_what_is_no_code_is_wrong(clock: Clock, code: str) -> None:
    assert totp.matching_step(SECRET, code) is None


def test_the_address_names_product_and_person() -> None:
    address = totp.address("ABC", "al ice@acme.example")

    assert address == "otpauth://totp/DevinSync%3Aal%20ice%40acme.example?secret=ABC&issuer=DevinSync"
