"""What a 422 says, and how long a 429 asks to wait."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connections.devin.answers import Attempt, error_in, retry_after
from connections.devin.errors import KeyTaken, Refused
from connections.http import Answer

CREATE = Attempt(
    "POST", "create `EXISTS` in org-1", " in org-1", "acme", sent_texts=("my taken value", "note", "EXISTS")
)


def refused(detail: object) -> Answer:
    return Answer(422, {}, json.dumps({"detail": detail}).encode())


@pytest.mark.parametrize(
    "detail",
    [
        "Secret with this key already exists",
        "Key is taken",
        "Duplicate key",
        "duplicate key value violates unique constraint",
        "Secret key must be unique",
        "The key is already in use",
        [{"loc": ["body", "key"], "msg": "key EXISTS exists"}],
    ],
)
def test_a_422_that_says_that_the_key_is_taken(detail: object) -> None:
    assert isinstance(error_in(refused(detail), CREATE), KeyTaken)


@pytest.mark.parametrize(
    "detail",
    [
        "Value is too long",
        "Organization does not exist",
        "The organization doesn't exist",
        "The organization no longer exists",
        "Invalid value: my taken value",
        "Invalid key: EXISTS",
        [{"msg": "Value is too long", "input": "it exists"}],
        [{"msg": None}, "exists", 5],
        {"exists": True},
        None,
        5,
    ],
)
def test_any_other_422_is_about_this_one_item(detail: object) -> None:
    assert isinstance(error_in(refused(detail), CREATE), Refused)


@pytest.mark.parametrize("body", [b"", b"<html>exists</html>", b'"exists"', b"[1]"])
def test_a_422_without_a_problem_detail_is_about_this_one_item(body: bytes) -> None:
    assert isinstance(error_in(Answer(422, {}, body), CREATE), Refused)


def http_date(seconds: int) -> str:
    return format_datetime(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "1000000000"}, 900),
        ({"Retry-After": http_date(20), "Date": http_date(0)}, 20),
        ({"Retry-After": http_date(20_000), "Date": http_date(0)}, 900),
        ({"Retry-After": http_date(-5), "Date": http_date(0)}, None),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "Thu, 99 Foo 99999 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_devins_own_clock(headers: dict[str, Any], seconds: float | None) -> None:
    wait = retry_after(Answer(429, headers, b""))

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_a_date_without_devins_clock_is_measured_by_ours() -> None:
    before = datetime.now(UTC)
    at = format_datetime(before + timedelta(seconds=30), usegmt=True)

    wait = retry_after(Answer(429, {"Retry-After": at}, b""))

    assert wait is not None
    assert timedelta(seconds=29) <= wait + (datetime.now(UTC) - before)
    assert wait <= timedelta(seconds=30)
