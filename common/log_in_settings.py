"""Whether the settings of logging in by a header belong together. Half of them would let anybody in, or nobody."""

import re
from collections.abc import Sequence
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)+")
# Any client sends these, or proxies fill them for other ends.
NOT_THESE = frozenset(
    ["USER-AGENT", "X-REQUEST-ID", "X-REQUESTED-WITH", "X-REAL-IP"]
    + [f"X-FORWARDED-{what}" for what in ("BY", "FOR", "HOST", "PORT", "PREFIX", "PROTO", "SERVER")]
)
NOR_BELOW = ("ACCEPT-", "CONTENT-", "IF-", "SEC-", "X-CSRF", "PROXY-", "ACCESS-CONTROL-")
PATH = re.compile(r"/(?!/)[A-Za-z0-9._~/?=&%-]*")


def require_whole(*, header: str, time_header: str, proxies: Sequence[str], creates: bool, way_out: str) -> None:
    """Raises ImproperlyConfigured."""
    if not header and (proxies or time_header or creates or way_out):
        raise ImproperlyConfigured(
            "LOGIN_HEADER is not set, but LOGIN_PROXIES, LOGIN_TIME_HEADER, LOGIN_CREATES_PEOPLE or LOGOUT_PATH is. "
            "Name the header in which your proxy says who it is, or leave them all out."
        )
    if header and not proxies:
        raise ImproperlyConfigured(
            "LOGIN_HEADER is set, but LOGIN_PROXIES is not: anybody could say who they are. List the addresses that "
            "your proxy connects from."
        )
    for name, text in (("LOGIN_HEADER", header), ("LOGIN_TIME_HEADER", time_header)):
        if text and not _is_free(text):
            raise ImproperlyConfigured(f"{name} is no header of its own. Write one such as X-Remote-User.")
    if header and header.upper() == time_header.upper():
        raise ImproperlyConfigured("LOGIN_HEADER and LOGIN_TIME_HEADER are the same. Name two.")
    for entry in proxies:
        _require_network(entry)
    if way_out and not PATH.fullmatch(way_out):
        raise ImproperlyConfigured("LOGOUT_PATH is no path on the same host. Write one such as /oauth2/sign_out.")


def _is_free(header: str) -> bool:
    name = header.upper()
    return bool(HEADER.fullmatch(header)) and name not in NOT_THESE and not name.startswith(NOR_BELOW)


def _require_network(entry: str) -> None:
    try:
        network = ip_network(entry)
    except ValueError:
        raise ImproperlyConfigured(
            f"LOGIN_PROXIES has “{entry}”, which is no address and no network. Write 10.0.0.7 or 10.0.7.0/24."
        ) from None
    if network.prefixlen == 0:
        raise ImproperlyConfigured(f"LOGIN_PROXIES has {entry}, which is everybody. List your proxy's addresses alone.")
