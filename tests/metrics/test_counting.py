"""Counting in a process, and the totals of all of them."""

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from common import counting
from common.counting import ENDLESS, Counter, Histogram, Series, tally
from metrics.models import Total
from metrics.totals import add_to_totals, read_totals

DISHES = Counter("devinsync_test_dishes_total", "Dishes.", {"kind": ("soup", "salad")})
COOKING = Histogram("devinsync_test_cooking_seconds", "Cooking.", buckets=(1, 5))
SOUP: Series = (DISHES.name, (("kind", "soup"),))
SALAD: Series = (DISHES.name, (("kind", "salad"),))


@pytest.fixture(autouse=True)
def _known_to_no_scrape() -> None:
    for each in (DISHES, COOKING):
        counting._declared.pop(each.name, None)


def test_a_value_that_no_label_lists_counts_as_other() -> None:
    DISHES.add(kind="soup")
    DISHES.add(2, kind="DB_PASSWORD")

    assert tally.take() == {SOUP: 1, (DISHES.name, (("kind", "other"),)): 2}


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(-1, "1.0"), (0, "1.0"), (1, "1.0"), (1.01, "5.0"), (5, "5.0"), (5.01, ENDLESS)]
)
def test_a_duration_counts_in_one_bucket(seconds: float, bucket: str) -> None:
    COOKING.observe(seconds)

    counted = tally.take()
    assert counted[(COOKING.name, (("le", bucket),))] == 1
    assert counted[(f"{COOKING.name}_sum", ())] == max(seconds, 0)


def test_threads_lose_no_count() -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(1000):
            threads.submit(DISHES.add, kind="soup")

    assert tally.take() == {SOUP: 1000}


FORKS = """
import os
from common.counting import tally
tally.add({("dishes", ()): 1})
pid = os.fork()
if pid == 0:
    os._exit(len(tally.take()))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(tally.take()))
"""


def test_a_fork_does_not_count_again_what_its_parent_has() -> None:
    """In a process of its own: this one may have threads, which a fork does not like."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["0", "1"]


def test_what_could_not_be_saved_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(added: Mapping[Series, float]) -> None:
        raise OSError

    monkeypatch.setattr(counting, "_savers", [fail])
    DISHES.add(kind="soup")

    assert not counting.save_now()
    DISHES.add(kind="soup")
    assert tally.take() == {SOUP: 2}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_processes_add_to_the_same_totals() -> None:
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(add_to_totals, [{SOUP: 1, SALAD: 0.5}, {SALAD: 0.5, SOUP: 1}] * 10))

    assert read_totals() == {SOUP: 20, SALAD: 10}
    assert Total.objects.count() == 2


@pytest.mark.postgresql
@pytest.mark.django_db
def test_saving_costs_one_statement_and_none_without_counts() -> None:
    DISHES.add(kind="soup")
    DISHES.add(kind="salad")

    with CaptureQueriesContext(database) as first:
        counting.save_now()
    with CaptureQueriesContext(database) as second:
        counting.save_now()

    assert [each["sql"].split()[0] for each in first if "SAVEPOINT" not in each["sql"]] == ["INSERT"]
    assert len(second) == 0
