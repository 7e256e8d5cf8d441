"""Tokens: how one is got by AppRole, and whose one is.

A login is tried once and never again by itself.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from connections.http import RequestFailed, Transport
from connections.openbao.answers import Attempt, data_in, error_in, failure, parse_json, unusable
from connections.openbao.errors import Forbidden, TokenRefused
from connections.validation import VISIBLE_ASCII

LONGEST_TOKEN = 16_384
LONGEST_LIFE = timedelta(days=3650)


@dataclass(frozen=True)
class Token:
    """A token and how long it lives from now. `role` is the AppRole's name, if it came from one."""

    text: str = field(repr=False)
    life: timedelta
    role: str = ""


class Tokens(Protocol):
    """Where a client gets its token."""

    def current(self) -> str:
        """The one to use. Raises OpenBaoError."""

    def renewed(self, refused: str) -> str | None:
        """Another one than the one that was refused; None if there is no way to get one. Raises OpenBaoError."""


@dataclass(frozen=True)
class Server:
    """One server as one client talks to it."""

    base_url: str
    namespace: str
    connection: str

    def url(self, path: str) -> str:
        return f"{self.base_url}/v1/{path}"

    def headers(self, token: str = "") -> dict[str, str]:
        # The servers' own agents and proxies pass nothing on without the second one.
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        return headers


def log_in(transport: Transport, server: Server, *, mount: str, role_id: str, secret_id: str, within: float) -> Token:
    """By AppRole. Raises OpenBaoError; LoginRefused if the credentials are not accepted."""
    attempt = Attempt(f"log in to Vault / OpenBao at {server.base_url}", server.connection, is_login=True)
    body = json.dumps({"role_id": role_id, "secret_id": secret_id}).encode()
    headers = {**server.headers(), "Content-Type": "application/json"}
    try:
        answer = transport.send("POST", server.url(f"auth/{mount}/login"), headers=headers, body=body, within=within)
    except RequestFailed as failed:
        raise failure(failed, attempt) from None
    if error := error_in(answer, attempt):
        raise error
    return _token_in(parse_json(answer, attempt).get("auth"), attempt)


def look_up(transport: Transport, server: Server, token: str, *, within: float) -> str:
    """Whose token it is, by the server. Raises TokenRefused if it is none, or may not even ask that."""
    attempt = Attempt(f"look up the token at {server.base_url}", server.connection)
    try:
        answer = transport.send(
            "GET", server.url("auth/token/lookup-self"), headers=server.headers(token), within=within
        )
    except RequestFailed as failed:
        raise failure(failed, attempt) from None
    error = error_in(answer, attempt)
    if isinstance(error, Forbidden):
        raise token_refused(attempt)
    if error is not None:
        raise error
    data = data_in(answer, attempt) or {}
    return _name_in(data.get("meta"), "role_name") or _name_in(data, "display_name")


def token_refused(attempt: Attempt) -> TokenRefused:
    advice = (
        f"The token of connection “{attempt.connection}” has expired, was revoked or is used up, or its policies lack "
        "`default`, which lets a token look itself up. With AppRole, set token_num_uses to 0; else enter a new token."
    )
    return TokenRefused(attempt.says("it answered 403", advice), status=403)


def _token_in(auth: Any, attempt: Attempt) -> Token:
    if not isinstance(auth, dict):
        raise unusable(attempt, "the answer has no token")
    text, seconds = auth.get("client_token"), auth.get("lease_duration")
    if not isinstance(text, str) or not VISIBLE_ASCII.fullmatch(text) or len(text) > LONGEST_TOKEN:
        raise unusable(attempt, "the answer has no token")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise unusable(attempt, "the answer does not say how long the token lives")
    # A token without an end has a duration of 0.
    life = timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())) if seconds else LONGEST_LIFE
    return Token(text, life, _name_in(auth.get("metadata"), "role_name"))


def _name_in(members: Any, name: str) -> str:
    found = members.get(name) if isinstance(members, dict) else None
    return found if isinstance(found, str) and VISIBLE_ASCII.fullmatch(found) and len(found) <= 255 else ""
