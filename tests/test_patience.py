"""No test is in a hurry: what it waits for, it waits for by `tests/patience.py`, and no seconds of its own end that."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# The one place; a program that mutates the code and is no test; what the year ahead replaces.
EXEMPT = {"patience.py", "mutants.py", "sitecustomize.py"}
FILES = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.name not in EXEMPT)
# Their first argument is for how long, and so is the keyword of any call.
WAITS = {"wait", "join", "result", "settimeout", "communicate", "acquire"}
KEYWORD = "timeout"


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def hurries_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from (f"line {node.lineno}: {reason}" for reason in hurries_of(node))
        elif isinstance(node, ast.Compare) and "monotonic()" in ast.unparse(node) and is_in_a_loop(node, source):
            yield f"line {node.lineno}: a waiting loop of its own"


def hurries_of(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    if name in ("time.sleep", "sleep"):
        yield "it sleeps"
    if name.rpartition(".")[2] in WAITS and "." in name and call.args and is_number(call.args[0]):
        yield f"{name} has seconds of its own"
    if any(keyword.arg == KEYWORD and is_number(keyword.value) for keyword in call.keywords):
        yield f"{name} has a timeout of its own"


def is_in_a_loop(node: ast.Compare, source: str) -> bool:
    loops = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.While)]
    return any(loop.lineno <= node.lineno <= (loop.end_lineno or 0) for loop in loops)


def test_is_in_no_hurry() -> None:
    hurries = [f"{path.relative_to(ROOT)}, {hurry}" for path in FILES for hurry in hurries_in(path.read_text())]

    assert len(FILES) > 500
    assert hurries == []


@pytest.mark.parametrize(
    "source",
    [
        "time.sleep(0.1)",
        "event.wait(10)",
        "thread.join(5.0)",
        "subprocess.run(command, timeout=60)",
        "process.communicate(timeout=1)",
        "while not is_so() and time.monotonic() < ends_at:\n    pass",
        "while True:\n    assert time.monotonic() < deadline",
    ],
)
def test_hurry_is_recognized(source: str) -> None:
    assert len(list(hurries_in(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "event.wait(PATIENCE)",
        "thread.join()",
        "run(command, timeout=PATIENCE)",
        "', '.join(words)",
        "spent = time.monotonic()",
    ],
)
def test_patience_is_no_hurry(source: str) -> None:
    assert list(hurries_in(source)) == []
