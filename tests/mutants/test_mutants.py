"""A small project under mutation: what its tests notice, what they don't, and what is nothing to notice."""

from pathlib import Path

import pytest

from tests.mutants.measure import Equivalent, MutmutFailed, Score, measure
from tests.mutants.targets import TARGETS, Target

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = """\
def is_full(count: int, room: int) -> bool:
    return count >= room


def first(words: list[str], default: str) -> str:
    return words[0] if words else default


def untested(number: int) -> int:
    return number + 1
"""
TESTS = """\
from shop.shelf import first, is_full


def test_is_full():
    assert is_full(3, 2)
    assert not is_full(1, 2)


def test_first():
    assert first(["a"], "z") == "a"
    assert first([], "z") == "z"
"""
AT_THE_ROOM = Equivalent("shop/shelf.py", "count >= room", "count > room", "nobody fills a shelf")
SHELF = Target(changed=("shop/shelf.py",), tests=("tests",))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("shop", "tests"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "shop" / "shelf.py").write_text(CODE)
    (root / "tests" / "test_shelf.py").write_text(TESTS)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "work").mkdir()
    return root


def measured(project: Path, *equivalent: Equivalent) -> Score:
    options = ("-p", "no:django")
    return measure(SHELF, root=project, work=project.parent / "work", equivalent=equivalent, options=options)


def test_tells_what_is_noticed_from_what_is_not(project: Path) -> None:
    gone = Equivalent("shop/shelf.py", "words[0]", "words[1]", "a test notices")

    score = measured(project, AT_THE_ROOM, gone)

    assert [(change.path, change.was, change.becomes) for change in score.survivors] == [
        ("shop/shelf.py", "return number + 1", "return number - 1"),
        ("shop/shelf.py", "return number + 1", "return number + 2"),
    ]
    assert [change.becomes for change in score.equivalent] == ["return count > room"]
    assert score.stale == (gone,)
    assert score.killed == score.total - 2 > 0


def test_says_why_there_is_no_score(project: Path) -> None:
    (project / "tests" / "test_shelf.py").write_text(TESTS + "\n    assert False\n")

    with pytest.raises(MutmutFailed, match="test_first"):
        measured(project)


def test_every_target_is_there() -> None:
    for target in TARGETS.values():
        assert all(list(ROOT.glob(pattern)) for pattern in target.changed)
        assert all((ROOT / test).exists() for test in target.tests)
