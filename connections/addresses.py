"""Which addresses may be connected to. Pure: an address in, nothing or `AddressRefused` out.

Judged is the address that is really connected to, because names can change what they stand for. Three kinds:

    never      where clouds serve their machines' own credentials, and what is no single host's address
    private    this machine, and networks that only those inside can reach: for listed hosts alone
    public     everything else
"""

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Link-local (169.254/16, fe80::/10) has the metadata service of most clouds; these have the others': Alibaba, Azure,
# Oracle, and Amazon's by IPv6.
METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
# RFC 6052, RFC 8215: the IPv4 address stands in the last 32 bits. IPv4-compatible addresses (RFC 4291) likewise.
ENDING_IN_IPV4 = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))


class AddressRefused(OSError):
    """The name leads to an address that this application does not connect to."""


def require_allowed(address: str, *, private: bool, loopback: bool, loopback_only: bool = False) -> None:
    """Raise AddressRefused unless one may connect to `address`, an IP address, perhaps with a zone (`fe80::1%eth0`).

    `private` and `loopback` say what the host's name may lead to, `loopback_only` that it may lead nowhere else.
    """
    ip = _meaning(ipaddress.ip_address(address.partition("%")[0]))
    if ip in METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        raise AddressRefused("the name leads to an address that no API has")
    if loopback_only and not ip.is_loopback:
        raise AddressRefused("plain http is for this machine alone")
    if not (private or _is_public(ip) or (loopback and ip.is_loopback)):
        raise AddressRefused("the name leads into a private network, which is for listed hosts alone")


def _is_public(ip: IPAddress) -> bool:
    return ip.is_global and not (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)


def _meaning(ip: IPAddress) -> IPAddress:
    """The address itself, or what it stands for on an IPv4 network."""
    if isinstance(ip, ipaddress.IPv4Address) or ip.is_loopback or ip.is_unspecified:
        return ip
    return _inner(ip) or ip


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.teredo:
        return ip.teredo[1]
    if any(ip in network for network in ENDING_IN_IPV4):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour
