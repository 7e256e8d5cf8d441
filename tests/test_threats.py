"""The table of threats in docs/security.md: each has what meets it, and tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| T(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ROWS = ROW.findall((ROOT / "docs" / "security.md").read_text())
LAST = 39


@cache
def names_in(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def test_every_threat_is_in_the_table() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, LAST + 1))


@pytest.mark.parametrize(("number", "told"), [(row[0], row[3]) for row in ROWS])
def test_the_tests_that_hold_it_are_there(number: str, told: str) -> None:
    named = TEST.findall(told)

    assert len(named) == told.count("`") / 2 > 0, f"T{number}"
    for file, name in named:
        assert name in names_in(ROOT / "tests" / file), f"T{number}: {file}::{name}"


def test_what_is_not_covered_names_threats_of_the_table() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    listed = text.partition("Not covered, or by another way than a test:")[2].partition("\n## ")[0]
    named = {
        int(number) for head in re.findall(r"^- ([^:]+):", listed, re.MULTILINE) for number in re.findall(r"\d+", head)
    }

    assert named
    assert named <= set(range(1, LAST + 1))
