"""By what strangers are counted."""

import pytest

from common.addresses import counted


@pytest.mark.parametrize(
    ("address", "together"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_one_network_of_ipv6_counts_as_one(address: str, together: str) -> None:
    assert counted(address) == together
