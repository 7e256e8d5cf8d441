"""Logging in with universal auth: client ID and client secret for an access token.

Tried once and never again by itself: three wrong logins lock an identity out.
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connections.http import Answer, RequestFailed, Transport
from connections.infisical.answers import Attempt, error_in, failure, parse_json, unusable
from connections.infisical.errors import InfisicalError
from connections.validation import VISIBLE_ASCII

LOGIN = "/api/v1/auth/universal-auth/login"
LONGEST_TOKEN = 16_384
LONGEST_LIFE = timedelta(days=3650)


@dataclass(frozen=True)
class Token:
    """An access token and how long it lives from now."""

    text: str = field(repr=False)
    life: timedelta
    identity_id: str = ""


def log_in(
    transport: Transport, *, base_url: str, client_id: str, client_secret: str, name: str, within: float
) -> Token:
    """Raises InfisicalError; LoginRefused if the credentials are not accepted."""
    attempt = Attempt(f"log in to Infisical at {base_url}", name, is_login=True)
    body = json.dumps({"clientId": client_id, "clientSecret": client_secret}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        answer = transport.send("POST", base_url + LOGIN, headers=headers, body=body, within=within)
    except RequestFailed as failed:
        raise failure(failed, attempt) from None
    return _token_in(answer, attempt)


def _token_in(answer: Answer, attempt: Attempt) -> Token:
    error: InfisicalError | None = error_in(answer, attempt)
    if error is not None:
        raise error
    data = parse_json(answer, attempt)
    text, seconds = data.get("accessToken"), data.get("expiresIn")
    if not isinstance(text, str) or not VISIBLE_ASCII.fullmatch(text) or len(text) > LONGEST_TOKEN:
        raise unusable(attempt, "the answer has no access token")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise unusable(attempt, "the answer does not say how long the access token lives")
    # A TTL of 0 means for ever.
    life = timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())) if seconds else LONGEST_LIFE
    return Token(text, life, _identity_in(text))


def _identity_in(token: str) -> str:
    """The machine identity's id, which the token tells whoever holds it; "" if it is another kind of token."""
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        found = claims.get("identityId")
    except (IndexError, ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) and VISIBLE_ASCII.fullmatch(found) and len(found) <= 64 else ""
