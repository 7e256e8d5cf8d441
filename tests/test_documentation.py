"""What is promised in writing."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READ_FROM_ENVIRONMENT = re.compile(
    r"""(?:env\.\w+|required|read_number|environ\.get|environ\[)\(?\s*["']([A-Z][A-Z0-9_]+)["']"""
)


def settings_read() -> list[str]:
    sources = [
        ROOT / "devinsync_site" / "settings.py",
        ROOT / "devinsync_site" / "management" / "commands" / "prepare.py",
        ROOT / "launcher" / "config.py",
    ]
    return sorted({name for source in sources for name in READ_FROM_ENVIRONMENT.findall(source.read_text())})


def test_finds_settings() -> None:
    assert {"SECRET_KEY", "PORT", "DJANGO_SUPERUSER_PASSWORD", "SYNC_LEASE_SECONDS"} <= set(settings_read())


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented(document: str) -> None:
    text = (ROOT / document).read_text()

    missing = [name for name in settings_read() if not re.search(rf"\b{name}\b", text)]

    assert missing == []


def test_an_example_left_as_it_is_sets_nothing() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []
