"""Imports go one way: from a package to those below it, at a module's top and inside its functions alike."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# From the top floor to the ground. What stands beside each other knows nothing of each other.
FLOORS = (
    ("devinsync_site",),
    ("overview", "demo"),
    ("api",),
    ("syncs",),
    ("vault",),
    ("connections",),
    ("accounts",),
    ("encryption",),
    ("theme",),
    ("common",),
)
# Started as programs of their own. The launcher reads `.env` as the site does; the sandbox stands in for Devin.
APART = {"launcher": {"common"}, "sandbox": set[str]()}
OURS = {name for floor in FLOORS for name in floor} | set(APART) | {"benchmarks", "tests"}
MODULES = sorted(path for package in OURS - {"benchmarks", "tests"} for path in (ROOT / package).rglob("*.py"))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def allowed_to(package: str) -> set[str]:
    if package in APART:
        return {package} | APART[package]
    below = next(index for index, floor in enumerate(FLOORS) if package in floor) + 1
    return {package}.union(*FLOORS[below:])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_below(path: Path) -> None:
    allowed = allowed_to(path.relative_to(ROOT).parts[0])

    wrong = [f"line {line}: {name}" for line, name in imports_of(path) if name.split(".")[0] in OURS - allowed]

    assert wrong == []


def test_every_package_has_its_floor() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages == OURS
