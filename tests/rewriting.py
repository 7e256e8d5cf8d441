"""Rewrites the asserts of test files before the processes of a run start.

In a fresh checkout each of these would rewrite all files for itself, at the same time as the others, which takes it as
long as to read them and to find what tests they have.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, assertstate_key, get_cache_dir

TESTS = Path(__file__).resolve().parent


def rewrite_for_others(config: pytest.Config) -> None:
    """Where this process starts others, which read what is kept beside each file."""
    if config.getoption("dist", "no") == "no" or hasattr(config, "workerinput") or sys.dont_write_bytecode:
        return
    files = [*TESTS.rglob("test_*.py"), *TESTS.rglob("conftest.py")]
    if missing := [file for file in files if not is_rewritten(file)]:
        share_out(config, missing, os.cpu_count() or 1)


def share_out(config: pytest.Config, files: Sequence[Path], count: int) -> None:
    """In so many processes. What one of them cannot rewrite, whoever runs the file will say."""
    pids = []
    for number in range(count):
        if (pid := os.fork()) == 0:
            try:
                rewrite(config, files[number::count])
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)


def rewrite(config: pytest.Config, files: Sequence[Path]) -> None:
    for file in files:
        place = place_of(file)
        place.parent.mkdir(exist_ok=True)
        source_hash, code = _rewrite_test(file, config)
        _write_pyc(config.stash[assertstate_key], code, source_hash, place)


def is_rewritten(file: Path) -> bool:
    return _read_pyc(file, place_of(file)) is not None


def place_of(file: Path) -> Path:
    return get_cache_dir(file) / f"{file.stem}{PYC_TAIL}"
