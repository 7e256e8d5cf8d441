"""Times and spans in words."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from theme.times import due, duration, moment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (9.9, "just now"),
        (10, "10 seconds ago"),
        (42, "42 seconds ago"),
        (60, "1 minute ago"),
        (119, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (-0.5, "now"),
        (-130, "in 2 minutes"),
        (-86400, "in 1 day"),
    ],
)
def test_a_moment_in_words(seconds: float, words: str) -> None:
    assert f">{words}</time>" in str(moment(NOW - timedelta(seconds=seconds)))


def test_a_moment_has_the_exact_time_as_its_title() -> None:
    assert 'title="01 Mar 2026, 11:59:18 UTC"' in str(moment(NOW - timedelta(seconds=42)))


def test_what_never_was_is_never_or_what_the_page_says() -> None:
    assert moment(None) == "never"
    assert moment(None, otherwise="–") == "–"
    assert due(None, otherwise="not scheduled") == "not scheduled"


def test_what_is_overdue_is_due_now() -> None:
    assert due(NOW - timedelta(hours=1)) == "now"
    assert ">in 1 hour<" in due(NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0.0 seconds"),
        (timedelta(milliseconds=1234), "1.2 seconds"),
        (timedelta(seconds=42.9), "42 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=2, seconds=3), "2 minutes 3 seconds"),
        (timedelta(minutes=15), "15 minutes"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(hours=1, seconds=5), "1 hour"),
        (timedelta(hours=12), "12 hours"),
        (timedelta(days=1, hours=1, minutes=59), "1 day 1 hour"),
    ],
)
def test_a_span_in_words(span: timedelta, words: str) -> None:
    assert duration(span) == words
