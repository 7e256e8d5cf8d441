"""Base URLs: https, or http to this machine, and nothing but scheme, host and port."""

import pytest
from django.core.exceptions import ValidationError

from connections.validation import clean_base_url


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://api.devin.ai", "https://api.devin.ai"),
        (" https://api.devin.ai/ ", "https://api.devin.ai"),
        ("HTTPS://API.Devin.AI:443", "https://api.devin.ai"),
        ("https://api.acme.devinenterprise.com:8443", "https://api.acme.devinenterprise.com:8443"),
        ("https://10.0.0.7", "https://10.0.0.7"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:80/", "http://localhost"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_an_address_is_kept_in_one_spelling(typed: str, kept: str) -> None:
    assert clean_base_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "api.devin.ai",
        "//api.devin.ai",
        "ftp://api.devin.ai",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@api.devin.ai",
        "https://user:word@api.devin.ai",
        "https://@api.devin.ai",
        "https://api.devin.ai/v3",
        "https://api.devin.ai?x=1",
        "https://api.devin.ai#x",
        "https://api.devin.ai\\@mallory.example",
        "https://api.devin.ai:99999",
        "https://api.devin.ai:port",
        "https://api devin.ai",
        "https://api.devin.ai\r\nX-Evil:1",
        "https://[::1",
        "https://%61pi.devin.ai",
        "https://äpi.devin.ai",
        "http://api.devin.ai",
        "http://10.0.0.7",
        "http://0.0.0.0",
        "http://127.0.0.1.mallory.example",
        "http://localhost.mallory.example",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://[::ffff:10.0.0.7]",
        "http://169.254.169.254",
    ],
)
def test_every_other_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        clean_base_url(typed)
