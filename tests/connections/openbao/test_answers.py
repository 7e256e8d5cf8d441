"""What the servers answer when they are busy, and for how long that is believed."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connections.http import Answer
from connections.openbao.answers import LONGEST_RETRY_AFTER, USUAL_RETRY_AFTER, Attempt, error_in, retry_after
from connections.openbao.errors import RateLimited, Rejected, Unreachable

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "3"}, timedelta(seconds=3)),
        ({"Retry-After": "999999999"}, LONGEST_RETRY_AFTER),
        ({"Retry-After": "9" * 40}, USUAL_RETRY_AFTER),
        ({"Retry-After": "0"}, USUAL_RETRY_AFTER),
        ({"Retry-After": "-5"}, USUAL_RETRY_AFTER),
        ({"Retry-After": "soon"}, USUAL_RETRY_AFTER),
        ({"Retry-After": "Thu, 99 Foo 9999 99:99:99"}, USUAL_RETRY_AFTER),
        ({}, USUAL_RETRY_AFTER),
        (
            {"Date": format_datetime(NOW), "Retry-After": format_datetime(NOW + timedelta(seconds=90))},
            timedelta(seconds=90),
        ),
        ({"Date": format_datetime(NOW), "Retry-After": format_datetime(NOW)}, USUAL_RETRY_AFTER),
    ],
    ids=repr,
)
def test_a_wait_is_as_the_server_asks_and_within_reason(headers: dict[str, str], wait: timedelta) -> None:
    answer = Answer(429, headers, b"")

    assert retry_after(answer) == wait
    error = error_in(answer, Attempt("read kv/shop", "team-vault"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait


def test_an_engine_that_is_being_upgraded_may_be_ready_soon() -> None:
    attempt = Attempt("read kv/shop", "team-vault")
    upgrading = b'{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable"]}'

    assert isinstance(error_in(Answer(400, {}, upgrading), attempt), Unreachable)
    assert isinstance(error_in(Answer(400, {}, b'{"errors":["bad request"]}'), attempt), Rejected)
