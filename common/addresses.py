"""Where a request comes from: the socket's other end, or what the proxies in front of us say, if there are any."""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the client; "" if it cannot be told.

    `TRUSTED_PROXIES` counts the proxies of our own. Each appends the address it saw to X-Forwarded-For, so the entry
    that many places from the right is the client's; anything left of it is what the client claims.
    """
    proxies = int(settings.TRUSTED_PROXIES)
    if not proxies:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    return hops[-proxies] if len(hops) >= proxies else ""


def counted_address(request: HttpRequest) -> str:
    """By which requests of strangers are counted together."""
    return counted(client_address(request))


def counted(address: str) -> str:
    """The address, or of IPv6 the first of its /64: whoever has one has all of them, and would be new each time."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False).network_address)


def is_allowed(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks; with no networks, every address is."""
    allowed = [ip_network(network) for network in networks]
    if not allowed:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in allowed)
