"""A run of marked tests alone reads no other files, and misses none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.database import pytest_collection_modifyitems, pytest_ignore_collect, wants_marked_alone


def config(expression: str) -> Any:
    return SimpleNamespace(option=SimpleNamespace(markexpr=expression))


@pytest.fixture
def unmarked(tmp_path: Path) -> Path:
    file = tmp_path / "test_words.py"
    file.write_text("def test_words() -> None: ...")
    return file


@pytest.mark.parametrize(
    ("expression", "alone"),
    [
        ("postgresql", True),
        ("postgresql and not torture", True),
        ("torture and postgresql", True),
        ("", False),
        ("not torture", False),
        ("not postgresql", False),
        ("browser and postgresql or sdk", False),
    ],
)
def test_knows_when_only_marked_tests_are_wanted(unmarked: Path, expression: str, alone: bool) -> None:
    assert wants_marked_alone(expression) is alone
    assert pytest_ignore_collect(unmarked, config(expression)) is (True if alone else None)


def test_reads_what_names_the_mark(unmarked: Path) -> None:
    unmarked.write_text("pytestmark = pytest.mark.postgresql")

    assert pytest_ignore_collect(unmarked, config("postgresql")) is None
    assert pytest_ignore_collect(unmarked.parent, config("postgresql")) is None


def test_a_mark_that_comes_from_elsewhere_ends_the_run(unmarked: Path) -> None:
    item: Any = SimpleNamespace(path=unmarked, get_closest_marker=lambda name: name == "postgresql")

    with pytest.raises(pytest.UsageError, match=r"test_words\.py has tests marked postgresql"):
        pytest_collection_modifyitems([item])
