"""How well a name answers what somebody looks for."""

import pytest

from search.question import LONGEST, MOST_WORDS, Question


@pytest.mark.parametrize(
    ("typed", "name", "rank"),
    [
        ("db_url", "DB_URL", 0),
        ("  db_url ", "DB_URL", 0),
        ("db", "DB_URL", 1),
        ("url", "DB_URL", 2),
        ("url db", "DB_URL", 3),
        ("db x", "DB_URL", None),
        ("%", "DB_URL", None),
        ("d_", "DB_URL", None),
        ("", "DB_URL", 1),
    ],
)
def test_ranks(typed: str, name: str, rank: int | None) -> None:
    assert Question.of(typed).rank(name) == rank


def test_what_is_pasted_is_cut() -> None:
    question = Question.of("word " * 1000)

    assert len(question.text) <= LONGEST
    assert len(question.words) == MOST_WORDS
