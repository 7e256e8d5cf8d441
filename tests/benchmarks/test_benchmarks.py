"""`python -m benchmarks` with small numbers: it runs through and prints each of its figures."""

from pathlib import Path

import pytest

from benchmarks.__main__ import milliseconds
from benchmarks.scenarios import Measurement, absences_in, situations
from benchmarks.sets import most_at_once
from tests.benchmarks.running import run

SMALL = (
    "--only scenarios --only reaction --only throughput --only memory --only fleet --only sets --secrets 20 "
    "--latency 5ms --samples 2 --syncs 3 --workers 2 --plan 50 --fleet 4 --organizations 2 --rate 2 --seconds 2 "
    "--set 3 --set-secrets 2"
)
SHARES = "--only now --only tls --only shares --latency 5ms --samples 2 --workers 1 --burst 12 --large 40 --small 3"
SOURCES = "--only sources --secrets 20 --latency 5ms --samples 2 --workers 2 --limited 3"
PAGES = "--only pages --rows 40 --plan 20"


@pytest.fixture(scope="module")
def printed(django_db_setup: Path | None) -> str:
    return run(SMALL, django_db_setup)


@pytest.mark.parametrize("title", [title for title, _ in situations(20)])
def test_compares_each_situation(printed: str, title: str) -> None:
    row = next(line for line in printed.splitlines() if line.startswith(title))

    cells = row.removeprefix(title).replace(",", "").split()
    requests, baseline = int(cells[0]), int(cells[1])
    costs = {"first sync": (21, 21), "nothing changed": (1, 61), "1 % changed": (4, 61), "everything changed": (61, 61)}
    assert (requests, baseline) == costs[title]
    assert cells[5] == "x"
    assert len(cells) == 8


@pytest.mark.parametrize(
    "figure",
    [
        "From a committed change to the first request: p50 ",
        "  Each replaced key was missing for ",
        "Syncs a minute: ",
        "Memory of a plan of 50 secrets: ",
        "Goals: within 1.3 of the limit",
        "  synced with nothing changed",
        "The page of the set takes ",
        "All counts hold.",
    ],
)
def test_prints_each_figure(printed: str, figure: str) -> None:
    assert any(line.startswith(figure) for line in printed.splitlines())


def test_counts_how_many_requests_were_under_way_together() -> None:
    def entry(arrived: float, answered: float | None) -> dict[str, float | None]:
        return {"arrived": arrived, "answered": answered}

    assert most_at_once([]) == 0
    assert most_at_once([entry(1.0, 2.0), entry(2.0, 3.0)]) == 1, "one after the other"
    assert most_at_once([entry(1.0, 4.0), entry(2.0, 3.0), entry(2.5, None), entry(5.0, 6.0)]) == 3


def test_a_key_is_missing_from_its_deletion_until_it_stands_again() -> None:
    def entry(method: str, key: str, committed: float | None) -> dict[str, object]:
        return {"method": method, "key": key, "committed": committed}

    entries = [entry("POST", "A", None), entry("DELETE", "A", 1.0), entry("DELETE", "B", 2.0), entry("POST", "C", 3.0)]
    assert absences_in([entry("POST", "A", 4.0), *entries]) == (3.0,)


def test_measures_fair_shares_a_click_and_tls(django_db_setup: Path | None) -> None:
    clicks, title, *costs, burst, large = run(SHARES, django_db_setup).splitlines()

    assert clicks.startswith("From “Sync now” to the answer that it is done: p50 ")
    assert title == "A run with 1 changed secret of 20:"
    opened = {cost.partition(":")[0].strip(): cost.partition(":")[2].split()[0] for cost in costs}
    assert opened == {
        "without TLS, connections kept": "0.00",
        "without TLS, none kept": "1.00",
        "TLS, connections kept": "0.00",
        "TLS, none kept": "1.00",
    }
    assert burst.startswith("A burst of 12 runs of one project, 1 workers: a change of another project, made while ")
    assert large.startswith("Beside a sync of 40 secrets, which took ")
    assert " of 3 small ones of its project ended before it" in large


def test_measures_a_source(django_db_setup: Path | None) -> None:
    lines = run(SOURCES, django_db_setup).splitlines()

    assert [line.partition(":")[0] for line in lines[:2]] == [
        "From a change in Infisical to the first request",
        "  By looking every 5 s",
    ]
    assert lines[2].startswith("  22 secrets read and planned in ")
    for line, folders in zip(lines[3:], (3, 5), strict=True):
        assert line.startswith(f"  3 syncs of {folders} folders at 40 reads in 6 s: ")
        assert line.endswith("; 0 inside a Retry-After. Goal: 0.")


def test_the_limit_has_lists_one_after_another_and_writes_side_by_side() -> None:
    assert Measurement(lists=5, writes=30, seconds=1.0).limit(0.05, 4) == pytest.approx(5 * 0.05 + 30 * 0.05 / 4)


@pytest.mark.parametrize(("text", "seconds"), [("50ms", 0.05), ("5", 0.005), ("0", 0.0)])
def test_latencies_are_milliseconds(text: str, seconds: float) -> None:
    assert milliseconds(text) == seconds


def test_measures_pages_and_reading_routes(django_db_setup: Path | None) -> None:
    title, *lines = run(PAGES, django_db_setup).splitlines()

    assert title.startswith("Pages and answers of the API: ")
    assert {line.split()[0] for line in lines if not line.startswith("!")} == {"200"}
    names = {line.rpartition("KiB  ")[2] for line in lines}
    assert {"index", "syncs_syncrun_changelist", "syncs_devinsync_change", "vault_folder_page"} <= names
    assert {"GET /api/v1/sync-runs/{run_id}", "POST plan of {sync_id}"} <= names
