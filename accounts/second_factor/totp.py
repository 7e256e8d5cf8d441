"""The codes of an authenticator app: HOTP (RFC 4226) over steps of 30 seconds (RFC 6238), by SHA-1 and in 6 digits,
which is what every app does."""

import hmac
import secrets
import time
from base64 import b32decode, b32encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
# Clocks of phones differ a little: the code before and the code after count too.
TOLERANCE = 1
SECRET_BYTES = 20
ISSUER = "DevinSync"
clock: Callable[[], float] = time.time


def new_secret() -> str:
    """Random, in base32, as apps take it."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def current_step() -> int:
    return int(clock()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The step that the code is of, if that is near now and later than `after`; so no code counts twice."""
    now = current_step()
    for step in range(max(now - TOLERANCE, after + 1), now + TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def address(secret: str, name: str) -> str:
    """What the QR code says to an app."""
    label = f"{ISSUER}:{name}"
    return f"otpauth://totp/{quote(label)}?{urlencode({'secret': secret, 'issuer': ISSUER})}"
