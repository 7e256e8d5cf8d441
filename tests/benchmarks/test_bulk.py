"""The verdict on the pages of the bulk set, and the command that prints it, with small numbers."""

import re
from dataclasses import replace
from pathlib import Path

from benchmarks.bulk import MOST_QUERIES, Verdict, middle_of, size_of
from benchmarks.pages import Measured
from tests.benchmarks.running import start

ONCE = "--only bulk --bulk-rounds 1"


def page(name: str, *, queries: int = 5, effort: float = 10) -> Measured:
    return Measured(name, 200, queries, seconds=1.0, processor=0.01, size=1, effort=effort)


def test_judges_by_statements_and_by_the_median() -> None:
    verdict = Verdict([page("a"), page("b", queries=26), page("c", effort=40), page("d", effort=30)])

    assert [each.name for each in verdict.with_many_queries] == ["b"]
    assert verdict.median == 20
    assert verdict.slow == []
    assert not verdict.holds
    verdict.pages += [page("e"), page("f")]
    assert [each.name for each in verdict.slow] == ["c"]
    assert [each.name for each in verdict.slowest[:2]] == ["c", "d"]
    assert Verdict([page("a"), page("d", effort=30), page("e")]).holds


def test_the_middle_round_of_each_page_counts() -> None:
    rounds = [[page("a", effort=cost), page("b", effort=40 - cost)] for cost in (20, 1, 30)]
    moved = replace(page("c"), status=302)

    assert middle_of([*rounds, [moved]]) == [page("a", effort=20), page("b", effort=20)]


def test_the_changes_are_shared_by_the_runs() -> None:
    assert size_of(syncs=300, runs=20_000, changes=80_000, secrets=100).changes == 4
    assert size_of(syncs=3, runs=0, changes=0, secrets=1).changes == 1


def test_prints_each_page_and_the_verdict(django_db_setup: Path | None) -> None:
    ended = start(f"{ONCE} --bulk-syncs 3 --bulk-runs 6 --bulk-changes 24 --bulk-secrets 5", django_db_setup)
    lines = ended.stdout.splitlines()

    names = {line.rpartition("KiB  ")[2] for line in lines}
    assert {"index", "search?q=app-42", "readers_folder", "syncs_syncrun_changelist", "vault_folder_page"} <= names
    assert not [name for name in names if name.startswith("GET ")]
    assert " pages, of which the median takes " in lines[-5]
    told = ["The slowest, in medians", "Of more than 25 statements", "Of more than 3 medians"]
    assert [line.split(":")[0] for line in lines[-4:-1]] == told
    assert (ended.returncode, lines[-1]) in ((0, "Both goals hold."), (1, "Not both goals hold."))


def test_no_page_takes_more_statements_for_more_rows(django_db_setup: Path | None) -> None:
    """Nor more than a page may take. Both sets fill more than one page of each list."""
    few = statements(f"{ONCE} --bulk-syncs 55 --bulk-runs 60 --bulk-changes 240 --bulk-secrets 110", django_db_setup)
    many = statements(f"{ONCE} --bulk-syncs 110 --bulk-runs 240 --bulk-changes 960 --bulk-secrets 330", django_db_setup)

    assert len(few) > 100
    assert {name: many[name] for name in few} == few
    assert {name: count for name, count in many.items() if count > MOST_QUERIES} == {}


def statements(options: str, migrated: Path | None) -> dict[str, int]:
    """By page. Whether it is slow is none of a test's."""
    ended = start(options, migrated)
    assert ended.returncode in (0, 1), ended.stderr
    lines = re.finditer(r"^!? *200 +(\d+) .*KiB  (\S+)$", ended.stdout, re.MULTILINE)
    return {line[2]: int(line[1]) for line in lines}
