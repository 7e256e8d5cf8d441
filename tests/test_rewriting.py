"""Test files are rewritten once, before the processes of a run start, as these would rewrite them."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import rewriting
from tests.rewriting import is_rewritten, place_of, rewrite_for_others

Rewrite = Callable[..., None]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(rewriting, "TESTS", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    found = [tmp_path / "test_first.py", tmp_path / "below" / "test_second.py", tmp_path / "conftest.py"]
    for file in found:
        file.parent.mkdir(exist_ok=True)
        file.write_text("def test_that_it_is() -> None:\n    assert 1 + 1 == 2\n")
    return found


@pytest.fixture
def rewrite(pytestconfig: pytest.Config) -> Rewrite:
    """In a run whose first process is told this."""

    def rewrite(**told: Any) -> None:
        config: Any = SimpleNamespace(
            getoption=told.get,
            getini=pytestconfig.getini,
            stash=pytestconfig.stash,
            **({"workerinput": {}} if told.get("is_worker") else {}),
        )
        rewrite_for_others(config)

    return rewrite


def test_rewrites_all_and_a_change_again(files: list[Path], rewrite: Rewrite) -> None:
    rewrite(dist="worksteal")
    assert all(is_rewritten(file) for file in files)
    before = {file: place_of(file).stat().st_ino for file in files}

    files[0].write_text("def test_that_it_is_not() -> None:\n    assert 1 + 1 != 3\n")
    assert not is_rewritten(files[0])
    rewrite(dist="worksteal")

    assert is_rewritten(files[0])
    assert {file for file in files if place_of(file).stat().st_ino != before[file]} == {files[0]}


def test_what_cannot_be_rewritten_does_not_end_the_run(files: list[Path], rewrite: Rewrite) -> None:
    files[0].write_text("def test_that_it_is(")

    rewrite(dist="worksteal")

    assert not is_rewritten(files[0])


@pytest.mark.parametrize("told", [{}, {"dist": "no"}, {"dist": "worksteal", "is_worker": True}])
def test_a_process_that_starts_no_others_rewrites_nothing(
    files: list[Path], rewrite: Rewrite, told: dict[str, Any]
) -> None:
    rewrite(**told)

    assert not any(is_rewritten(file) for file in files)


def test_pytest_finds_them_where_they_were_put() -> None:
    """This file was read as it was rewritten, or has been since."""
    assert sys.dont_write_bytecode or is_rewritten(Path(__file__))
