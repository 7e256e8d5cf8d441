"""Reads CHANGELOG.md: a section `Unreleased`, then one for each version, newest first.

## Unreleased
## 1.1.0 – 2027-01-15
## 1.0.0 – 2026-11-26
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

UNRELEASED = "Unreleased"
RELEASED = re.compile(r"(?P<version>\d+\.\d+\.\d+) – (?P<day>\d{4}-\d{2}-\d{2})")


class ChangelogError(Exception):
    """A changelog of another form. The message names the heading."""


@dataclass(frozen=True)
class Section:
    version: str
    released_on: date
    text: str

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self.version.split("."))


def unreleased(text: str) -> str:
    """What the next release will have; "" for nothing yet."""
    return _parts(text)[0].partition("\n")[2].strip()


def released_sections(text: str) -> list[Section]:
    """Those of released versions, newest first."""
    sections = [_section(part) for part in _parts(text)[1:]]
    for newer, older in pairwise(sections):
        if newer.order <= older.order:
            raise ChangelogError(f"CHANGELOG.md has {newer.version} above {older.version}.")
    return sections


def _parts(text: str) -> list[str]:
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    if not parts or parts[0].partition("\n")[0] != UNRELEASED:
        raise ChangelogError(f"CHANGELOG.md does not begin with `## {UNRELEASED}`.")
    return parts


def _section(part: str) -> Section:
    heading, _, text = part.partition("\n")
    found = RELEASED.fullmatch(heading)
    try:
        if found is None:
            raise ValueError("it has another form")
        return Section(found["version"], date.fromisoformat(found["day"]), text.strip())
    except ValueError:
        raise ChangelogError(f"`## {heading}` is not of the form `## 1.2.3 – 2026-11-26` in CHANGELOG.md.") from None
