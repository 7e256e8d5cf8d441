"""The shape of the code: imports go one way, also inside of functions; what decides is pure; functions stay short."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# From the top floor to the ground. What stands beside each other knows nothing of each other.
FLOORS = (
    ("devinsync_site",),
    ("overview", "readers", "search", "metrics", "demo"),
    ("notices", "forwarding", "single_sign_on"),
    ("api",),
    ("fleets",),
    ("syncs",),
    ("sources",),
    ("vault",),
    ("connections",),
    ("accounts", "audit"),
    ("encryption",),
    ("theme",),
    ("common",),
)
# The same inside of `syncs`, whose rows and words (models, choices, errors and their like) are below all of its rooms.
ROOMS = (("admin", "management"), ("editing",), ("runs",), ("engine",))
# They decide, on values alone: no row, no clock, no network.
PURE = ("changes", "guard", "keys", "notes", "plan", "waves")
IMPURE = (
    "django",
    "time",
    "datetime",
    "random",
    "requests",
    "syncs.models",
    "connections.models",
    "connections.devin.client",
)
LONGEST_FUNCTION = 31
# As wide as a diff is shown.
LONGEST_LINE = 140
# Started as programs of their own. The launcher reads `.env` as the site does; the sandbox stands in for Devin; what
# makes a release knows the version.
APART = {"launcher": {"common"}, "sandbox": set[str](), "release": {"common"}}
OURS = {name for floor in FLOORS for name in floor} | set(APART) | {"benchmarks", "tests"}
MODULES = sorted(path for package in OURS - {"benchmarks", "tests"} for path in (ROOT / package).rglob("*.py"))


@cache
def parts_of(path: Path) -> list[ast.AST]:
    """Those that are asked about: a file is parsed once for all that is asked of it."""
    kinds = (ast.ImportFrom, ast.Import, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in parts_of(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def allowed_to(package: str) -> set[str]:
    if package in APART:
        return {package} | APART[package]
    below = next(index for index, floor in enumerate(FLOORS) if package in floor) + 1
    return {package}.union(*FLOORS[below:])


def test_a_module_imports_only_from_below() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in MODULES
        for line, name in imports_of(path)
        if name.split(".")[0] in OURS - allowed_to(path.relative_to(ROOT).parts[0])
    ]

    assert len(MODULES) > 900
    assert wrong == []


def test_every_package_has_its_floor() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages == OURS


def rooms_of(path: Path) -> Iterator[tuple[int, str, str]]:
    """What a module of `syncs` imports from its rooms: line, room, name."""
    names = {name for rooms in ROOMS for name in rooms}
    for line, module in imports_of(path):
        parts = module.split(".")
        if parts[0] == "syncs" and len(parts) > 1 and parts[1] in names:
            yield line, parts[1], module


def rooms_allowed_to(path: Path) -> set[str]:
    room = path.relative_to(ROOT / "syncs").parts[0]
    if room == "apps.py":
        return {name for rooms in ROOMS for name in rooms}
    depth = next((index for index, rooms in enumerate(ROOMS) if room in rooms), len(ROOMS))
    return {room}.union(*ROOMS[depth + 1 :])


def test_a_room_of_syncs_imports_only_from_below() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sorted((ROOT / "syncs").rglob("*.py"))
        for line, room, module in rooms_of(path)
        if room not in rooms_allowed_to(path)
    ]

    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_what_decides_looks_at_values_alone(name: str) -> None:
    modules = [module for _, module in imports_of(ROOT / "syncs" / "engine" / f"{name}.py")]

    assert [module for module in modules if any(f"{module}.".startswith(f"{one}.") for one in IMPURE)] == []


def functions_in(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in parts_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_function_fits_on_half_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {lines} lines"
        for path in MODULES
        for function in functions_in(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]

    assert long == []


def test_the_map_names_every_package_and_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()

    names = [*(OURS - {"benchmarks", "tests"}), *(room for rooms in ROOMS for room in rooms)]
    assert [name for name in names if f"`{name}/`" not in text] == []


@pytest.mark.parametrize("kind", ["*.html", "static/**/*.css", "static/**/*.js"])
def test_every_line_of_a_page_fits_into_a_diff(kind: str) -> None:
    # By name: once the product has run here, `var` holds the files of Django and others as well.
    files = [path for folder in sorted(OURS | {"templates"}) for path in sorted((ROOT / folder).rglob(kind))]

    long = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LONGEST_LINE
    ]

    assert files
    assert long == []
