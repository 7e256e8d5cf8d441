"""Asks a DevinSync. Errors say what to do, and never hold a token or a value."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT = 100


class Failed(Exception):
    """Ends the command with this message."""


def credentials_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "devinsync" / "credentials.json"


def keep_credentials(url: str, token: str) -> Path:
    """In a file that only its owner can read, from its first moment on."""
    file = credentials_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"url": url, "token": token}, stream)
    draft.replace(file)
    return file


def clean_url(url: str) -> str:
    """Tokens go over TLS, or stay on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url.rstrip("/").removesuffix("/api")
    raise Failed(f"{url[:200]} is no https:// address. A token sent there could be read on its way.")


class Api:
    def __init__(self, url: str, token: str = "") -> None:
        self.url = clean_url(url)
        self._session = requests.Session()
        self._session.trust_env = True
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def from_environment(cls) -> "Api":
        url, token = os.environ.get("DEVINSYNC_URL", ""), os.environ.get("DEVINSYNC_TOKEN", "")
        if not token and (client_id := os.environ.get("DEVINSYNC_CLIENT_ID")):
            secret = os.environ.get("DEVINSYNC_CLIENT_SECRET", "")
            body = {"clientId": client_id, "clientSecret": secret.strip()}
            token = cls(url).ask("POST", "/v1/auth/universal-auth/login", body)["accessToken"]
        if url and token:
            return cls(url, token)
        try:
            kept = json.loads(credentials_file().read_text())
        except (OSError, ValueError):
            raise Failed("Log in first: devinsync login URL, or set DEVINSYNC_URL and DEVINSYNC_TOKEN.") from None
        return cls(url or kept["url"], token or kept["token"])

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        try:
            # A redirect could carry the token elsewhere.
            answer = self._session.request(
                method, f"{self.url}/api{path}", json=body, params=query, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Failed(f"Could not ask {self.url}: {type(error).__name__}.") from None
        try:
            content = answer.json()
        except ValueError:
            content = {}
        if answer.status_code != requests.codes.ok:
            raise Failed(told(answer.status_code, content))
        return content


def told(status: int, content: Any) -> str:
    message = content.get("message") if isinstance(content, dict) else None
    if isinstance(message, list):
        return "\n".join(_line_of(each) + str(each.get("message", "")) for each in message if isinstance(each, dict))
    return f"DevinSync answered {status}. {message or ''}".strip()


def _line_of(issue: dict[str, Any]) -> str:
    path = issue.get("path") or []
    if path[:1] == ["document"] and path[1:] and path[1]:
        return f"Line {path[1]}: "
    where = ".".join(str(part) for part in path if part != 0)
    return f"{where}: " if where and where != "document" else ""
