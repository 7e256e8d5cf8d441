"""CHANGELOG.md: what is not released yet, then each version with its day, newest first."""

import re
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

from common.version import VERSION
from release.changelog import ChangelogError, released_sections

CHANGELOG = (Path(settings.BASE_DIR) / "CHANGELOG.md").read_text()
LONGEST_LINE = 140


def test_has_this_version_and_no_newer_one() -> None:
    newest = released_sections(CHANGELOG)[0]

    assert newest.version == VERSION
    assert newest.text


def test_every_entry_begins_with_a_word_and_fits_into_a_diff() -> None:
    entries = [line for line in CHANGELOG.splitlines() if line.startswith("- ")]

    assert [line for line in entries if not re.match(r"- [A-Z][a-z]+\b", line)] == []
    assert [line for line in CHANGELOG.splitlines() if len(line) > LONGEST_LINE] == []


def test_tells_the_versions_with_their_days() -> None:
    text = "# Changelog\n\n## Unreleased\n\n- Adds b.\n\n## 1.10.0 – 2027-02-01\n\n- Adds a.\n\n## 1.9.0 – 2027-01-15\n"

    newest, oldest = released_sections(text)

    assert (newest.version, newest.released_on, newest.text) == ("1.10.0", date(2027, 2, 1), "- Adds a.")
    assert (oldest.version, oldest.text) == ("1.9.0", "")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "Unreleased"),
        ("## 1.0.0 – 2026-11-26\n", "Unreleased"),
        ("## Unreleased\n\n## 1.0\n", "`## 1.0`"),
        ("## Unreleased\n\n## 1.0.0 – 2026-13-26\n", "2026-13-26"),
        ("## Unreleased\n\n## 1.0.0 – 2026-11-26\n\n## 1.1.0 – 2026-12-01\n", "1.0.0 above 1.1.0"),
        ("## Unreleased\n\n## 1.0.0 – 2026-11-26\n\n## 1.0.0 – 2026-11-26\n", "1.0.0 above 1.0.0"),
    ],
    ids=["empty", "nothing unreleased", "no day", "no such day", "out of order", "twice"],
)
def test_refuses_another_form_by_its_heading(text: str, names: str) -> None:
    with pytest.raises(ChangelogError, match=re.escape(names)):
        released_sections(text)
