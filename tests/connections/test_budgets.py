"""One budget of requests a connection: however many take from it at once, no more is taken than there is.

There is no queue in these tests: it stands in the database.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database

from common import clock
from connections.budgets import SharedBudget
from connections.http import Answer
from connections.models import Connection, RequestBudget

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
SORT = "secrets"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection() -> Connection:
    return Connection.objects.create(name="team-vault", app="infisical", base_url="https://infisical.example")


def keep(connection: Connection, *, left: int, limit: int = 40, resets_in: timedelta = MINUTE) -> None:
    RequestBudget.objects.create(
        connection=connection, sort=SORT, limit=limit, left=left, resets_at=clock.now() + resets_in
    )


def told(**headers: object) -> Answer:
    return Answer(200, {name.replace("_", "-"): str(value) for name, value in headers.items()}, b"")


def take_at_once(connection: Connection, tries: int) -> int:
    """How many of these tries were let through."""

    def take(_: int) -> bool:
        try:
            return SharedBudget(connection.pk).take(SORT) is None
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        return Counter(pool.map(take, range(tries)))[True]


def test_no_more_is_taken_at_once_than_is_left(connection: Connection) -> None:
    keep(connection, left=7)

    assert take_at_once(connection, 24) == 7
    assert RequestBudget.objects.get().left == 0


def test_a_new_window_is_begun_by_one_alone(connection: Connection) -> None:
    keep(connection, left=0, limit=5, resets_in=-MINUTE)

    assert take_at_once(connection, 16) == 5


def test_after_a_429_nothing_is_taken_until_its_time_is_over(connection: Connection) -> None:
    keep(connection, left=30)
    SharedBudget(connection.pk).spend(SORT, timedelta(seconds=30))

    assert take_at_once(connection, 8) == 0


def test_a_429_as_the_first_answer_of_all_counts_too(connection: Connection) -> None:
    SharedBudget(connection.pk).spend(SORT, timedelta(seconds=30))

    assert take_at_once(connection, 8) == 0


def test_an_answer_of_before_gives_nothing_back(connection: Connection) -> None:
    """It was sent before others took what it tells of."""
    keep(connection, left=3)

    SharedBudget(connection.pk).learn(SORT, told(X_RateLimit_Limit=40, X_RateLimit_Remaining=39, X_RateLimit_Reset=60))

    assert RequestBudget.objects.get().left == 3


@pytest.mark.parametrize(("left", "may"), [(40, True), (21, True), (20, False), (1, False)])
def test_who_spares_leaves_half_to_others(connection: Connection, left: int, may: bool) -> None:
    keep(connection, left=left)

    assert (SharedBudget(connection.pk, spares=True).take(SORT) is None) is may
    assert SharedBudget(connection.pk).take(SORT) is None


@pytest.mark.parametrize("header", ["", "-1", "1e9", "١٢", "9" * 400, "NaN", "1.5", " "])
def test_what_is_no_number_teaches_nothing_dangerous(connection: Connection, header: str) -> None:
    """At worst a large number, which the next 429 corrects."""
    SharedBudget(connection.pk).learn(
        SORT, told(X_RateLimit_Limit=header, X_RateLimit_Remaining=header, X_RateLimit_Reset=header)
    )

    assert all(row.left <= 1_000_000 for row in RequestBudget.objects.all())
    assert SharedBudget(connection.pk).take(SORT) is None
