"""`make mutants`: changes the code in one small place at a time, and counts the changes that no test notices.

    make mutants                                 all that is listed below; takes long
    make mutants ARGS="encryption/sealing.py"    one module

Each mutant runs in a fork of a process that has loaded everything but our own code, with the tests that are meant to
notice it. A mutant that makes them fail, or last far too long, is killed. The status is 0 if nine in ten are.
"""

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {
    "encryption/keyring.py": ["tests/encryption/test_formats.py", "tests/encryption/test_sealing.py"],
    "encryption/sealing.py": ["tests/encryption/test_formats.py", "tests/encryption/test_sealing.py"],
    "encryption/registry.py": ["tests/encryption"],
    "encryption/rotation.py": ["tests/encryption"],
    "encryption/checks.py": ["tests/encryption"],
    "vault/resolution.py": [
        "tests/vault/test_resolution.py",
        "tests/vault/test_references.py",
        "tests/vault/test_reading.py",
    ],
    "syncs/engine/plan.py": ["tests/syncs/engine"],
    "syncs/engine/guard.py": ["tests/syncs/engine/test_guard.py", "tests/syncs/engine/test_guard_runs.py"],
    "syncs/engine/apply.py": ["tests/syncs/engine"],
}
GOAL = 0.9
SECONDS = 300.0
PRELOADED = (
    "django.test",
    "django.db.models",
    "pydantic",
    "rq",
    "redis",
    "cryptography.fernet",
    "hypothesis",
    "pytest",
)
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Mod: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int
    change: str
    tree: ast.Module


def mutants_of(path: str) -> Iterator[Mutant]:
    tree = ast.parse((ROOT / path).read_text())
    for index, node in enumerate(ast.walk(tree)):
        if type(node) in MUTATORS:
            mutated = copy.deepcopy(tree)
            twin = next(other for number, other in enumerate(ast.walk(mutated)) if number == index)
            if change := MUTATORS[type(node)](twin):
                yield Mutant(path, getattr(node, "lineno", 0), change, ast.fix_missing_locations(mutated))


def compare_otherwise(node: Any) -> str:
    old = type(node.ops[0])
    node.ops[0] = COMPARED[old]()
    return f"{old.__name__} becomes {COMPARED[old].__name__}"


def join_otherwise(node: Any) -> str:
    was_and = isinstance(node.op, ast.And)
    node.op = ast.Or() if was_and else ast.And()
    return "and becomes or" if was_and else "or becomes and"


def count_otherwise(node: Any) -> str:
    old = type(node.op)
    # Texts are joined by + too, and are left alone; so are types, by |.
    if old not in COUNTED or isinstance(node.left, ast.JoinedStr) or isinstance(getattr(node.left, "value", 0), str):
        return ""
    node.op = COUNTED[old]()
    return f"{old.__name__} becomes {COUNTED[old].__name__}"


def drop_not(node: Any) -> str:
    if not isinstance(node.op, ast.Not):
        return ""
    node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)
    return "not is dropped"


def change_constant(node: Any) -> str:
    old = node.value
    if not isinstance(old, int):
        return ""
    node.value = not old if isinstance(old, bool) else old + 1
    return f"{old} becomes {node.value}"


def turn_round(node: Any) -> str:
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
    return "the condition is turned round"


def return_nothing(node: Any) -> str:
    if node.value is None or isinstance(node.value, ast.Constant):
        return ""
    node.value = ast.Constant(value=None)
    return "nothing is returned"


def drop_call(node: Any) -> str:
    if not isinstance(node.value, ast.Call):
        return ""
    node.value = ast.Constant(value=None)
    return "the call is dropped"


MUTATORS: dict[type[ast.AST], Callable[[Any], str]] = {
    ast.Compare: compare_otherwise,
    ast.BoolOp: join_otherwise,
    ast.BinOp: count_otherwise,
    ast.UnaryOp: drop_not,
    ast.Constant: change_constant,
    ast.If: turn_round,
    ast.IfExp: turn_round,
    ast.While: turn_round,
    ast.Return: return_nothing,
    ast.Expr: drop_call,
}


class Loader(importlib.abc.InspectLoader):
    """Loads the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def get_source(self, fullname: str) -> str:
        return (ROOT / self.mutant.path).read_text()

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.tree, str(ROOT / self.mutant.path), "exec"), module.__dict__)  # noqa: S102


class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.path.removesuffix(".py").replace("/", ".")
        self.loader = Loader(mutant)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / self.loader.mutant.path, loader=self.loader)


def run_tests(mutant: Mutant | None, tests: list[str], data: str) -> int:
    """In a fork: the status of pytest. Without a mutant, of the code as it is."""
    import pytest

    os.environ["DATA_DIR"] = data
    if mutant is not None:
        sys.meta_path.insert(0, Finder(mutant))
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    # pytest warns of what it cannot rewrite, because it is loaded already.
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--reuse-db"]
    options += ["-m", "not browser and not torture"]
    return int(pytest.main([*options, *tests]))


def is_killed(mutant: Mutant | None, tests: list[str], data: str) -> bool:
    child = os.fork()
    if child == 0:
        os.setsid()
        status = 1
        with contextlib.suppress(BaseException):
            status = run_tests(mutant, tests, data)
        os._exit(status)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def survivors_of(path: str, data: str) -> tuple[list[Mutant], int]:
    tests = TARGETS[path]
    if is_killed(None, tests, data):
        raise SystemExit(f"The tests of {path} fail without any mutant: {' '.join(tests)}")
    mutants = list(mutants_of(path))
    return [mutant for mutant in mutants if not is_killed(mutant, tests, data)], len(mutants)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("paths", nargs="*", choices=[*TARGETS, []], metavar="MODULE", help=f"of {', '.join(TARGETS)}")
    paths = parser.parse_args().paths or list(TARGETS)
    for name in PRELOADED:
        importlib.import_module(name)
    survived = total = 0
    with tempfile.TemporaryDirectory(prefix="devinsync-mutants-") as data:
        for path in paths:
            survivors, count = survivors_of(path, data)
            survived, total = survived + len(survivors), total + count
            print(f"{path}: {count - len(survivors)} of {count} killed", flush=True)
            for mutant in survivors:
                print(f"  {path}:{mutant.line}: {mutant.change}", flush=True)
    share = (total - survived) / total
    print(f"{total - survived} of {total} killed, {share:.0%}; the goal is {GOAL:.0%}.")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
