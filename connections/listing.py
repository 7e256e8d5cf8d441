"""Lists of hosts in settings: `host`, `host:port` or `.suffix`. Pure: no setting is read here.

A suffix stands for the domain and all below it, an entry without a port for all ports.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from connections.validation import HOST_NAME, is_ip_address


def matches(base_url: str, entries: Iterable[str]) -> bool:
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return is_among(parts.hostname or "", port, entries)


def is_among(host: str, port: int, entries: Iterable[str]) -> bool:
    """`host` in small letters."""
    return any(_matches(host, port, *_split(entry)) for entry in entries)


def _matches(host: str, port: int, listed: str, listed_port: int | None) -> bool:
    if listed_port not in (None, port) or not listed:
        return False
    if listed.startswith("."):
        return host == listed[1:] or host.endswith(listed)
    return host == listed


def _split(entry: str) -> tuple[str, int | None]:
    """`host:8443` as ("host", 8443); an IPv6 address with a port stands in brackets. Raises ValueError."""
    text = entry.strip().lower()
    if text.count(":") > 1 and not text.startswith("["):
        return text, None
    parts = urlsplit(f"//{text}")
    dot = "." if text.startswith(".") else ""
    return dot + (parts.hostname or "").removeprefix("."), parts.port


def is_entry(entry: str) -> bool:
    """Whether this can stand in a list of hosts."""
    try:
        host, _ = _split(entry)
    except ValueError:
        return False
    written = entry.strip().lower().removeprefix(".")
    name = host.removeprefix(".")
    is_whole = "/" not in written and "@" not in written and "*" not in written
    return is_whole and (bool(HOST_NAME.fullmatch(name)) or is_ip_address(name))
