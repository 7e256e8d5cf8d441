"""Which hosts count as Devin: those that the operator lists in DEVIN_HOSTS, and this machine.

An entry is `host`, `host:port` or `.suffix`; a suffix stands for the domain and all below it, an entry without a port
for all ports. Whoever may edit connections chooses among these hosts only, so an API key and what it carries go nowhere
else, and nobody uses DevinSync to look around in the network it stands in. The address in
DEVIN_API_URL counts as listed.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from connections.http import Route
from connections.proxies import Proxy
from connections.validation import HOST_NAME, clean_base_url, is_ip_address, is_loopback


def clean_devin_url(raw: str) -> str:
    """The address in its one spelling. Raises ValidationError unless it is one, of a listed host or this machine."""
    url = clean_base_url(raw)
    if not is_allowed(url):
        raise ValidationError(
            f"{urlsplit(url).netloc} is not among the hosts that this installation may talk to. Correct it, or ask "
            "whoever runs DevinSync to add it to DEVIN_HOSTS."
        )
    return url


def is_allowed(base_url: str) -> bool:
    return is_loopback(urlsplit(base_url).hostname or "") or is_listed(base_url)


def is_listed(base_url: str) -> bool:
    """Whether the operator has named the host: then it may also be in a private network."""
    return base_url == _usual_address() or matches(base_url, settings.DEVIN_HOSTS)


def route_to(base_url: str) -> Route:
    """How to come to an allowed host: by the settings, and into a private network only if it is listed."""
    proxy = Proxy.parse(settings.OUTGOING_PROXY) if settings.OUTGOING_PROXY else None
    return Route(private=is_listed(base_url), ca_file=settings.CA_BUNDLE, proxy=proxy)


def _usual_address() -> str:
    try:
        return clean_base_url(settings.DEVIN_API_URL)
    except ValidationError:
        return ""


def matches(base_url: str, entries: Iterable[str]) -> bool:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
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
    """Whether this can stand in DEVIN_HOSTS."""
    try:
        host, _ = _split(entry)
    except ValueError:
        return False
    written = entry.strip().lower().removeprefix(".")
    name = host.removeprefix(".")
    is_whole = "/" not in written and "@" not in written and "*" not in written
    return is_whole and (bool(HOST_NAME.fullmatch(name)) or is_ip_address(name))
