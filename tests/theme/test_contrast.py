"""The theme's colours can be told apart, by the numbers of WCAG 2 AA: 4.5 for text, 3 for marks and edges."""

import re
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TOKENS = (ROOT / "theme/static/devinsync/css/tokens.css").read_text()
# Ours alone: a data folder in this checkout has the collected files of others too.
STYLE_SHEETS = sorted(
    sheet for package in ROOT.glob("*/__init__.py") for sheet in package.parent.glob("static/**/*.css")
)
KINDS = ("ok", "failed", "running", "waiting", "blocked", "off", "info")
TEXT = [
    *product(("text", "text-2", "muted", "link"), ("bg", "surface", "surface-2", "surface-3", "sidebar")),
    ("link", "accent-soft"),
    *product(("on-accent",), ("accent", "accent-strong")),
    *product(("on-danger",), ("danger", "danger-strong")),
    *((f"{kind}-fg", f"{kind}-bg") for kind in KINDS),
    *product(("text", "text-2"), (f"{kind}-bg" for kind in KINDS)),
    ("muted", "failed-bg"),
    ("failed-fg", "surface"),
    *product(("poster-text", "poster-text-2", "poster-muted"), ("poster-bg", "poster-glow", "poster-glow-2")),
]
MARKS = [*((f"{kind}-mark", "surface") for kind in KINDS), ("border-input", "surface"), ("border-input", "bg")]


COLOUR = re.compile(r"--ds-([\w-]+): (?:light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)|(#[0-9a-f]+));")
FOUND = COLOUR.findall(TOKENS)
LIGHT = {name: light or both for name, light, _, both in FOUND}
DARK = {name: dark or both for name, _, dark, both in FOUND}


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out(look: dict[str, str]) -> None:
    faint = [
        f"{front} on {back}: {contrast(look[front], look[back]):.2f}"
        for pairs, least in ((TEXT, 4.5), (MARKS, 3.0))
        for front, back in pairs
        if contrast(look[front], look[back]) < least
    ]

    assert faint == []


def test_every_colour_stands_once() -> None:
    assert len(LIGHT) == len(FOUND) > 40


@pytest.mark.parametrize("path", STYLE_SHEETS, ids=lambda path: path.name)
def test_a_style_sheet_takes_its_colours_from_the_tokens_and_fits_a_diff(path: Path) -> None:
    lines = path.read_text().splitlines()

    assert [line for line in lines if len(line) > 120] == []
    assert path.name == "tokens.css" or [line for line in lines if re.search(r"#[0-9a-f]{3,8}\b(?=[; ])", line)] == []
