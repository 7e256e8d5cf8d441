"""Which addresses may be connected to: a table of what clouds, companies and tunnels use."""

import pytest

from connections.addresses import AddressRefused, require_allowed

METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]
NO_HOST = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%eth0"]
METADATA_IN_DISGUISE = [
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "2002:a9fe:a9fe::",
    "::ffff:100.100.100.200",
    "64:ff9b::168.63.129.16",
]
PRIVATE = [
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "fc00::1",
]
PRIVATE_IN_DISGUISE = ["::ffff:10.0.0.1", "64:ff9b::192.168.1.1", "2002:0a00:0001::", "::10.0.0.1"]
SPECIAL = ["192.0.2.1", "198.18.0.1", "240.0.0.1", "255.255.255.255", "2001:db8::1", "fec0::1", "100::1"]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]
PUBLIC = [
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700::1111",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize("address", METADATA + NO_HOST + METADATA_IN_DISGUISE)
def test_no_host_may_be_where_clouds_keep_credentials(address: str) -> None:
    with pytest.raises(AddressRefused, match="an address that no API has"):
        require_allowed(address, private=True, loopback=True)


@pytest.mark.parametrize("address", PRIVATE + PRIVATE_IN_DISGUISE + SPECIAL + LOOPBACK)
def test_a_private_network_is_for_listed_hosts(address: str) -> None:
    with pytest.raises(AddressRefused, match="private network"):
        require_allowed(address, private=False, loopback=False)

    require_allowed(address, private=True, loopback=False)


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_host_spelled_as_this_machine_may_be_this_machine(address: str) -> None:
    require_allowed(address, private=False, loopback=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_host_spelled_as_this_machine_is_nowhere_else(address: str) -> None:
    with pytest.raises(AddressRefused):
        require_allowed(address, private=False, loopback=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_network_is_for_all(address: str) -> None:
    require_allowed(address, private=False, loopback=False)


@pytest.mark.parametrize("address", PRIVATE + PUBLIC)
def test_plain_http_stays_on_this_machine(address: str) -> None:
    with pytest.raises(AddressRefused, match="plain http"):
        require_allowed(address, private=True, loopback=True, loopback_only=True)
