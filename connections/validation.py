"""What a connection's name, address and API key may look like. Pure: text in, cleaned text or ValidationError out.

No message repeats an API key.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

API_KEY_PREFIX = "cog_"
API_KEY_LENGTH = 1000
# An API key travels in a header: anything but visible ASCII would break it there, or worse, add one.
VISIBLE_ASCII = re.compile(r"[!-~]+")
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


def clean_base_url(raw: str) -> str:
    """The address in its one spelling: scheme and host in small letters, no default port, no trailing slash."""
    try:
        # urlsplit would drop line breaks and tabs silently, and so join what they parted.
        if not VISIBLE_ASCII.fullmatch(raw.strip()):
            raise ValueError
        parts = urlsplit(raw.strip())
        port = parts.port
    except ValueError:
        raise ValidationError("This is no web address. Enter one such as https://api.devin.ai.") from None
    _require_bare_address(parts)
    host = (parts.hostname or "").lower()
    _require_safe_scheme(parts.scheme.lower(), host)
    default_port = 443 if parts.scheme.lower() == "https" else 80
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown_host}" + (f":{port}" if port not in (None, default_port) else "")


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


def _require_bare_address(parts: SplitResult) -> None:
    if parts.username is not None or parts.password is not None:
        raise ValidationError("Leave out the user name and password: the API key goes into its own field.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValidationError("Enter only scheme and host, such as https://api.devin.ai, without a path.")


def _require_safe_scheme(scheme: str, host: str) -> None:
    if scheme not in ("https", "http") or not _is_host(host):
        raise ValidationError("Enter an address such as https://api.devin.ai.")
    if scheme == "http" and not is_loopback(host):
        raise ValidationError("Use https: with http, everyone on the way could read API key and secrets.")


def _is_host(host: str) -> bool:
    return is_ip_address(host) or bool(HOST_NAME.fullmatch(host))
