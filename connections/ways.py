"""The way that one connection takes to its host: a proxy of its own, authorities of its own.

Both say where credentials go, or whom they are shown to, so both count as a part of the address: the credentials are
sealed to them, and whoever may not point the connection elsewhere changes neither. Operators list the proxies, as they
list hosts. A proxy's login is a credential: it is typed with the proxy's address, sealed with the other credentials,
and stands nowhere else.
"""

import hashlib
import re
import ssl
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from connections.http import Route
from connections.kinds import Entry
from connections.listing import matches
from connections.proxies import Proxy
from connections.sockets import tls_context
from connections.validation import VISIBLE_ASCII, is_loopback

LONGEST_PROXY = 128
# As it may be typed, with a login.
LONGEST_TYPED = 255
LONGEST_AUTHORITY = 64 * 1024
# The name under which a proxy's login is sealed.
LOGIN = "proxyLogin"
# Certificates and nothing else: what is stored as a parameter is no secret, and a private key would be one.
CERTIFICATES = re.compile(r"(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n*)+", re.ASCII)


def clean_proxy(raw: str) -> str:
    """A listed proxy's address in its one spelling, with the login if one was typed. Nothing is repeated."""
    try:
        text = raw.strip()
        if not VISIBLE_ASCII.fullmatch(text) or len(text) > LONGEST_TYPED:
            raise ValueError
        proxy = Proxy.parse(text)
    except ValueError:
        raise ValidationError(
            "Enter a proxy such as http://proxy.example.com:3128, with user:password@ before the host if it asks for a "
            "login."
        ) from None
    address = proxy.address
    if len(address) > LONGEST_PROXY:
        raise ValidationError("The proxy's address is too long. Enter its host and port alone.")
    if not is_listed(address):
        raise ValidationError(
            f"{address} is not among the proxies that this installation may use. Correct it, or ask whoever runs "
            "DevinSync to add it to OUTBOUND_PROXIES."
        )
    _, at, host = text.rpartition("@")
    return f"{text[: -len(host)]}{address.removeprefix('http://')}" if at else address


def clean_certificate(raw: str) -> str:
    """PEM with at least one certificate, and no private key."""
    lines = (line.strip() for line in raw.replace("\r", "\n").split("\n"))
    text = "\n".join(line for line in lines if line) + "\n"
    if len(text) > LONGEST_AUTHORITY or not CERTIFICATES.fullmatch(text):
        raise ValidationError(
            "Paste the certificate of the authority as PEM: from -----BEGIN CERTIFICATE----- to -----END "
            "CERTIFICATE-----, and nothing else, above all no private key."
        )
    try:
        tls_context("", text)
    except (ssl.SSLError, ValueError):
        raise ValidationError("This is no certificate that can be used. Copy the PEM file again.") from None
    return text


PROXY = Entry(
    name="proxy",
    label="proxy",
    help_text=(
        "Only where this connection goes out by a proxy of its own: http://proxy.example.com:3128, with user:password@ "
        "before the host if it asks for a login, which is stored encrypted and not shown again."
    ),
    clean=clean_proxy,
    longest=LONGEST_TYPED,
    is_required=False,
    is_pointing=True,
    shown=lambda typed: Proxy.parse(typed).address,
)
CA_CERTIFICATE = Entry(
    name="ca_certificate",
    label="CA certificate",
    help_text="As PEM, where the server's certificate is of a private authority. Then no other is trusted there.",
    clean=clean_certificate,
    longest=LONGEST_AUTHORITY,
    is_required=False,
    is_pointing=True,
    lines=4,
)
WAY = (PROXY, CA_CERTIFICATE)


def is_listed(proxy: str) -> bool:
    """Whether the operator has named the proxy, or it is on this machine."""
    if not is_bare(proxy):
        return False
    usual = Proxy.parse(settings.OUTBOUND_PROXY).address if settings.OUTBOUND_PROXY else ""
    is_here = is_loopback(urlsplit(proxy).hostname or "")
    return is_here or proxy == usual or matches(proxy, settings.OUTBOUND_PROXIES)


def why_not(base_url: str, parameters: Mapping[str, str]) -> str:
    """Why nothing may go to the address by this way, as a sentence; "" if it may."""
    proxy = parameters.get(PROXY.api_name, "")
    if proxy and not base_url.startswith("https:"):
        return "A proxy leads to https addresses alone: by plain http nothing leaves this machine. Leave it out."
    if proxy and not is_listed(proxy):
        return f"The proxy {proxy} is not among those that OUTBOUND_PROXIES allows. Correct it, or have it added there."
    return ""


def is_bare(proxy: str) -> bool:
    """Whether this is a proxy's address without a login."""
    try:
        return Proxy.parse(proxy).address == proxy.rstrip("/")
    except ValueError:
        return False


def login_in(proxy: str) -> str:
    """`user:password` of a proxy as it was typed, "" if it has none."""
    return Proxy.parse(proxy).credentials if proxy else ""


def described(parameters: Mapping[str, str]) -> str:
    """The way in words, to stand behind the address: the certificates by their hash, and no login."""
    parts = []
    if proxy := parameters.get(PROXY.api_name):
        parts.append(f" through {proxy}")
    if pem := parameters.get(CA_CERTIFICATE.api_name):
        parts.append(f" trusting the CA {hashlib.sha256(pem.encode()).hexdigest()[:32]} alone")
    return ",".join(parts)


def taken(route: Route, parameters: Mapping[str, str], *, login: str) -> Route:
    """The usual route, changed to the connection's own way."""
    pem = parameters.get(CA_CERTIFICATE.api_name, "")
    own = parameters.get(PROXY.api_name, "")
    proxy = replace(Proxy.parse(own), credentials=login, is_for_all=True) if own else route.proxy
    return replace(route, ca_pem=pem, proxy=proxy)
