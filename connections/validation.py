"""What a connection's name, address and API key may look like. Pure: text in, cleaned text or ValidationError out.

No message repeats an API key.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

API_KEY_PREFIX = "cog_"
API_KEY_LENGTH = 1000
# An API key travels in a header: anything but visible ASCII would break it there, or worse, add one.
VISIBLE_ASCII = re.compile(r"[!-~]+")
# No segment that is only dots: that would lead elsewhere.
PATH = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._-]+)*")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def clean_api_key(raw: str) -> str:
    key = raw.strip()
    if not key.startswith(API_KEY_PREFIX):
        raise ValidationError(f"A Devin API key starts with “{API_KEY_PREFIX}”. Copy it again from Devin.")
    if len(key) > API_KEY_LENGTH:
        raise ValidationError(f"An API key has at most {API_KEY_LENGTH:,} characters. Copy it again from Devin.")
    if not VISIBLE_ASCII.fullmatch(key) or key == API_KEY_PREFIX:
        raise ValidationError("An API key has only letters, digits and signs, no spaces. Copy it again from Devin.")
    return key


def clean_secret_text(words: str, longest: int) -> Callable[[str], str]:
    """For a credential without a form of its own; `words` say what it is ("client secret")."""

    def clean(raw: str) -> str:
        text = raw.strip()
        if not text:
            raise ValidationError(f"Enter the {words}.")
        if len(text) > longest:
            raise ValidationError(f"A {words} has at most {longest:,} characters. Copy it again.")
        if not VISIBLE_ASCII.fullmatch(text):
            raise ValidationError(f"A {words} has only letters, digits and signs, no spaces. Copy it again.")
        return text

    return clean


def clean_base_url(raw: str, *, takes_path: bool = False) -> str:
    """The address in its one spelling: scheme and host in small letters, no default port, no trailing slash."""
    try:
        # urlsplit would drop line breaks and tabs silently, and so join what they parted.
        if not VISIBLE_ASCII.fullmatch(raw.strip()):
            raise ValueError
        parts = urlsplit(raw.strip())
        port = parts.port
    except ValueError:
        raise ValidationError("This is no web address. Enter one such as https://api.devin.ai.") from None
    _require_bare_address(parts, takes_path=takes_path)
    host = (parts.hostname or "").lower()
    _require_safe_scheme(parts.scheme.lower(), host)
    default_port = 443 if parts.scheme.lower() == "https" else 80
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown_host}" + (
        (f":{port}" if port not in (None, default_port) else "") + parts.path.rstrip("/")
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _require_bare_address(parts: SplitResult, *, takes_path: bool) -> None:
    if parts.username is not None or parts.password is not None:
        raise ValidationError("Leave out the user name and password: the credentials go into their own fields.")
    if parts.query or parts.fragment:
        raise ValidationError("Leave out what comes after “?” or “#”.")
    if takes_path and not PATH.fullmatch(parts.path.rstrip("/")):
        raise ValidationError("The path has names of letters, digits, “-”, “_” and “.”, joined by “/”. Correct it.")
    if not takes_path and parts.path not in ("", "/"):
        raise ValidationError("Enter only scheme and host, such as https://api.devin.ai, without a path.")


def _require_safe_scheme(scheme: str, host: str) -> None:
    if scheme not in ("https", "http") or not _is_host(host):
        raise ValidationError("Enter an address such as https://api.devin.ai.")
    if scheme == "http" and not is_loopback(host):
        raise ValidationError("Use https: with http, everyone on the way could read API key and secrets.")


def _is_host(host: str) -> bool:
    return is_ip_address(host) or bool(HOST_NAME.fullmatch(host))
