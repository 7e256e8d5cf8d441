"""The verdict on the pages of the bulk set, and the command that prints it, with small numbers."""

import re
from dataclasses import replace

from benchmarks.bulk import MOST_QUERIES, Verdict, best_of, size_of
from benchmarks.pages import Measured
from tests.benchmarks.running import run

ONCE = "--only bulk --bulk-rounds 1"


def page(name: str, *, queries: int = 5, processor: float = 0.01) -> Measured:
    return Measured(name, 200, queries, seconds=1.0, processor=processor, size=1)


def test_judges_by_statements_and_by_the_median() -> None:
    verdict = Verdict([page("a"), page("b", queries=26), page("c", processor=0.04), page("d", processor=0.03)])

    assert [each.name for each in verdict.with_many_queries] == ["b"]
    assert verdict.median == 0.02
    assert verdict.slow == []
    assert not verdict.holds
    verdict.pages += [page("e"), page("f")]
    assert [each.name for each in verdict.slow] == ["c"]
    assert Verdict([page("a"), page("d", processor=0.03), page("e")]).holds


def test_the_best_round_of_each_page_counts() -> None:
    rounds = [[page("a", processor=cost), page("b", processor=1 - cost)] for cost in (0.2, 0.1, 0.3)]
    moved = replace(page("c"), status=302)

    assert best_of([*rounds, [moved]]) == [page("a", processor=0.1), page("b", processor=0.7)]


def test_the_changes_are_shared_by_the_runs() -> None:
    assert size_of(syncs=300, runs=20_000, changes=80_000, secrets=100).changes == 4
    assert size_of(syncs=3, runs=0, changes=0, secrets=1).changes == 1


def test_prints_each_page_and_the_verdict() -> None:
    lines = run(f"{ONCE} --bulk-syncs 3 --bulk-runs 6 --bulk-changes 24 --secrets 5").splitlines()

    names = {line.rpartition("KiB  ")[2] for line in lines}
    assert {"index", "search?q=app-42", "readers_folder", "syncs_syncrun_changelist", "vault_folder_page"} <= names
    assert not [name for name in names if name.startswith("GET ")]
    assert " pages, of which the median takes " in lines[-4]
    assert [line.split(":")[0] for line in lines[-3:-1]] == ["Of more than 25 statements", "Of more than 3 medians"]
    assert lines[-1] in ("Both goals hold.", "Not both goals hold.")


def test_no_page_takes_more_statements_for_more_rows() -> None:
    """Nor more than a page may take. Both sets fill more than one page of each list."""
    few = statements(run(f"{ONCE} --bulk-syncs 55 --bulk-runs 60 --bulk-changes 240 --secrets 110"))
    many = statements(run(f"{ONCE} --bulk-syncs 110 --bulk-runs 240 --bulk-changes 960 --secrets 330"))

    assert len(few) > 100
    assert {name: many[name] for name in few} == few
    assert {name: count for name, count in many.items() if count > MOST_QUERIES} == {}


def statements(printed: str) -> dict[str, int]:
    """By page."""
    lines = re.finditer(r"^!? *200 +(\d+) .*KiB  (\S+)$", printed, re.MULTILINE)
    return {line[2]: int(line[1]) for line in lines}
